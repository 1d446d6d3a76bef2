"""The page of one visitor: messages from the browser in, plots and texts out.

The browser's side is `page/explorer.js`. It sends JSON by one property of a model that both sides
keep in step, and hears by another; the plots are Bokeh's own. Three threads compute: what is seen
at once, what takes seconds, and what a button asked for. In each a newer request takes the place of
older ones.
"""

import json
import logging
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from importlib.resources import files
from typing import Any

from bokeh.core.properties import String
from bokeh.document import Document
from bokeh.model import DataModel
from bokeh.models import CustomJS
from jinja2 import Environment, Template

from attractory.analysis.critical_norms import CriticalNorm
from attractory.explorer.export import exported_figure, exported_script
from attractory.explorer.figure import BASIN_COLOURS
from attractory.explorer.findings import COURSE, SAMPLED, Check, Findings
from attractory.explorer.messages import cue_message, frames_message, limits, patterns_message
from attractory.explorer.plots import Plots
from attractory.explorer.session import Memories, Seen, State, prepare, see
from attractory.explorer.texts import (
    basins_text,
    companions_text,
    course_text,
    critical_text,
    recall_text,
    spectrum_text,
)
from attractory.explorer.worker import Latest

__all__ = ["THREADS", "Bridge", "Page"]

_COARSE, _FINE = 16, 48  # cues along a side of a basin map
_MENDED = (ValueError, TypeError, MemoryError, ArithmeticError)

THREADS = "explorer"  # with which the names of all threads begin
PANELS = ("spectrum", "certificate", "basins", "course")  # that are computed while they can be seen

log = logging.getLogger(__name__)


# What computes a part of what is seen, and returns what shows it.
Part = Callable[[Seen, Check], Callable[[], object]]


class Bridge(DataModel):
    """What the page and the server tell each other, as JSON."""

    inbox = String(default="")
    outbox = String(default="")


class Page:
    """One page: its document, state and threads.

    Args:
        document: of Bokeh, one a session.
        state: at first.
    """

    def __init__(self, document: Document, state: State):
        self._document, self._state = document, state
        self._memories, self._findings = Memories(), Findings()
        self._plots, self._bridge = Plots(), Bridge(name="bridge")
        self._fast = Latest(f"{THREADS}: recall", self._failed)
        self._slow = Latest(f"{THREADS}: maps", self._failed)
        self._asked = Latest(f"{THREADS}: asked for", self._failed)
        self._seen: Seen | None = None  # the last that could be computed
        self._critical: CriticalNorm | None = None
        self._told = self._heard_last = 0
        self._closed = False
        self._moved = ""  # the setting that was moved last
        self._watched: frozenset[str] = frozenset()  # panels that the visitor can see
        document.title = "Attractory explorer"
        document.template = _template()
        document.template_variables["colours"] = BASIN_COLOURS
        for root in (*self._plots.roots, self._bridge):
            document.add_root(root)
        self._bridge.on_change("inbox", lambda name, old, new: self._heard(new))
        start = CustomJS(args={"bridge": self._bridge}, code="window.explorer.start(bridge)")
        document.js_on_event("document_ready", start)
        document.js_on_event("connection_lost", CustomJS(code="window.explorer.lost()"))

    def close(self, seconds: float = 0.0) -> bool:
        """End the threads; return whether they ended in so many seconds."""
        self._closed = True
        workers = self._fast, self._slow, self._asked
        return all([worker.close(seconds) for worker in workers])

    def _tell(self, **message: Any) -> None:
        """Send a message to the page; only in the document's own thread."""
        self._told += 1
        self._bridge.update(outbox=json.dumps({"count": self._told, **message}))

    def _later(self, action: Callable[[], object]) -> None:
        """Do an action in the document's thread; from any thread."""

        def run() -> None:
            action()

        if not self._closed:
            self._document.add_next_tick_callback(run)

    def _failed(self, error: Exception) -> None:
        """Tell of an error, and what the settings and the cue are; from any thread."""
        if isinstance(error, _MENDED):
            text = str(error) or "this does not fit into the machine's memory"
        else:
            log.error("explorer", exc_info=error)
            text = f"this cannot be computed ({type(error).__name__}: {error})"
        said = " ".join(text.split())
        self._later(lambda: self._tell(error=said, busy="", slow="", **self._as_it_is()))

    def _as_it_is(self) -> dict[str, Any]:
        return {"cue": cue_message(self._state), "heard": self._heard_last}

    def _heard(self, text: str) -> None:
        """Do what a message asks for; one that is of no use changes nothing."""
        try:
            message = json.loads(text)
            if not isinstance(message, dict):
                raise ValueError(f"messages must be objects, got {type(message).__name__}")
            # The page takes settings from answers to its last message alone.
            self._heard_last = message.pop("count", self._heard_last)
            self._do(message)
        except (*_MENDED, RecursionError) as error:
            self._failed(error)

    def _do(self, message: dict[str, Any]) -> None:
        what = message.get("do")
        if what == "begin":
            self._tell(limits=limits())
            self._changed(None)
        elif what == "watch":
            self._watch(message.get("panels"))
        elif what == "upload":
            self._tell(busy="reading the files")
            self._fast.submit(partial(self._upload, message, self._state))
        elif what == "critical":
            self._aside("looking for the critical norm", self._find_critical)
        elif what == "export":
            self._aside("drawing the figure", partial(self._export, str(message.get("kind"))))
        else:
            before, self._state = self._state, self._state.after(message)
            self._moved = next((name for name in ("norm", "n", "depth") if name in message), "")
            self._changed(before)

    def _watch(self, panels: object) -> None:
        if not isinstance(panels, list) or not set(map(str, panels)) <= set(PANELS):
            raise ValueError(f"panels must be some of {', '.join(PANELS)}, got {panels!r}")
        watched = frozenset(map(str, panels))
        more, self._watched = watched - self._watched, watched
        if more and self._seen is not None:
            self._look_closer(self._seen)

    def _aside(self, text: str, work: Callable[[Seen, Check], object]) -> None:
        if self._seen is None:
            raise ValueError("nothing was recalled yet; wait for the first recall")
        self._tell(slow=text)
        self._asked.submit(partial(work, self._seen))

    def _upload(self, message: dict[str, Any], state: State, check: Check) -> None:
        new = state.after(message)
        check()
        see(new, self._memories)  # patterns that cannot be stored change nothing
        check()

        def take() -> None:
            before, self._state = self._state, new
            self._changed(before)
            told = " ".join(f"{note[0].upper()}{note[1:]}." for note in new.patterns.notes)
            self._tell(note=f"{len(new.patterns.rows)} patterns read. {told}")

        self._later(take)

    def _changed(self, before: State | None) -> None:
        """Show a new state, and compute what is seen of it."""
        state = self._state
        message: dict[str, Any] = {"busy": "recalling", **self._as_it_is()}
        if before is None or before.patterns is not state.patterns:
            message["patterns"] = patterns_message(state.patterns)
        self._tell(**message)
        self._fast.submit(partial(self._look, state))

    def _look(self, state: State, check: Check) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seen = see(state, self._memories)
        check()
        self._later(lambda: self._show(seen))

    def _show(self, seen: Seen) -> None:
        before, self._seen = self._seen, seen
        if before is None or before.state.patterns is not seen.state.patterns:
            self._plots.show_basins(None)
        if before is None or _another_course(before.state, seen.state):
            self._critical = None
            self._plots.forget_courses()
            self._tell(texts={"course": "", "critical": ""})
        self._plots.show(seen)
        found = {"recall": recall_text(seen), "spectrum": spectrum_text(seen)}
        self._tell(frames=frames_message(seen), texts=found, busy="", slow="")
        self._look_closer(seen)

    def _look_closer(self, seen: Seen) -> None:
        """Have computed what takes longer, of the panels that can be seen."""
        parts: list[tuple[str, Part]] = [
            ("spectrum", self._companions), ("certificate", self._certificate),
            ("basins", partial(self._basins, _COARSE)),
            ("course", self._course), ("basins", partial(self._basins, _FINE)),
        ]  # fmt: skip
        wanted = [(panel, part) for panel, part in parts if panel in self._watched]
        if wanted:
            self._tell(slow="looking closer")
        self._slow.submit(partial(self._compute, seen, wanted, self._moved))

    def _compute(self, seen: Seen, parts: list[tuple[str, Part]], moved: str, check: Check) -> None:
        """Compute parts one after the other, show each, or under it why not; then look ahead."""
        for panel, part in parts:
            check()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    shown = part(seen, check)
            except _MENDED as error:
                shown = partial(self._tell, texts={panel: f"Not here: {error}."})
            self._later(shown)
            self._later(lambda: self._tell(slow="looking closer"))  # not the share of what is done
        self._later(lambda: self._tell(slow=""))
        with warnings.catch_warnings(), suppress(*_MENDED):
            warnings.simplefilter("ignore")
            prepare(seen.state, moved, self._memories, check)

    def _share(self, text: str) -> Callable[[float], object]:
        def tell(share: float) -> None:
            self._later(lambda: self._tell(slow=f"{text}: {share:.0%}"))

        return tell

    def _companions(self, seen: Seen, check: Check) -> Callable[[], object]:
        found = self._findings.companions(seen)

        def show() -> None:
            if seen is self._seen and len(found):
                self._plots.show_companions(found)
                text = f"{spectrum_text(seen)} {companions_text(seen, found)}"
                self._tell(texts={"spectrum": text})

        return show

    def _certificate(self, seen: Seen, check: Check) -> Callable[[], None]:
        _, text = self._findings.certificate(seen)
        text = f"Pattern {seen.at}: {text}."
        return lambda: self._tell(texts={"certificate": text})

    def _course(self, seen: Seen, check: Check) -> Callable[[], None]:
        found = self._findings.course(seen, "zero", check, self._share("radius against norm"))

        def show() -> None:
            self._plots.show_course(found)
            self._tell(texts={"course": course_text(found, seen.memory.norm_)})

        return show

    def _basins(self, size: int, seen: Seen, check: Check) -> Callable[[], None]:
        if len(seen.memory) < 3:
            raise ValueError("basins need three patterns; store more")
        found = self._findings.basins(seen, size, check, self._share("basins"))

        def show() -> None:
            self._plots.show_basins(found)
            self._tell(texts={"basins": basins_text(found)})

        return show

    def _find_critical(self, seen: Seen, check: Check) -> None:
        share = self._share("critical norm")
        found = self._findings.course(seen, "sampled", check, share)
        width = seen.memory.width or 300

        def show() -> None:
            self._critical = found
            self._plots.show_course(found)
            self._tell(texts={"critical": critical_text(found, width)}, slow="")

        self._later(show)

    def _export(self, kind: str, seen: Seen, check: Check) -> None:
        kinds = ["zero", "sampled"] if self._critical else ["zero"]
        size = _FINE if len(seen.memory) > 2 else None
        if kind == "script":
            norms = {"zero": COURSE, "sampled": SAMPLED}
            name, content = exported_script(seen, [(f0, norms[f0]) for f0 in kinds], size)
        else:
            share = self._share("figure: radius against norm")
            courses = [self._findings.course(seen, f0, check, share) for f0 in kinds]
            share, found = self._share("figure: basins"), None
            if size is not None:
                found = self._findings.basins(seen, size, check, share)
            name, content = exported_figure(kind, seen, courses, found)
        self._later(lambda: self._tell(download={"name": name, "content": content}, slow=""))


def _another_course(before: State, after: State) -> bool:
    """Whether radius against norm is that of other maps."""

    def maps(state: State) -> tuple[object, ...]:
        setup = state.setup
        return state.patterns, setup.n, setup.activation, setup.depth, setup.kind, setup.width

    return maps(before) != maps(after)


@cache
def _template() -> Template:
    """Return the page, with its style and script within, so that nothing else is loaded."""
    folder = files("attractory.explorer") / "page"
    parts = {name: (folder / name).read_text(encoding="utf-8") for name in
             ("explorer.html", "explorer.css", "explorer.js")}  # fmt: skip
    page = parts["explorer.html"]
    for name in ("explorer.css", "explorer.js"):
        page = page.replace(f"/* {name} */", "{% raw %}" + parts[name] + "{% endraw %}")
    return Environment(autoescape=False).from_string(page)
