"""The page's four plots, by Bokeh: the path, the spectrum, radius against norm, basins."""

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Range1d, Span
from bokeh.plotting import figure
from jaxtyping import Complex

from attractory.analysis.critical_norms import CriticalNorm
from attractory.explorer.figure import BASIN_COLOURS
from attractory.explorer.session import Seen
from attractory.explorer.setup import NORMS
from attractory.explorer.views import Basins
from attractory.plotting.spectra import nonzero
from attractory.plotting.style import BLUE, GREEN, GREY, ORANGE, SKY, VERMILION

__all__ = ["Plots"]

_MARKERS = ("circle", "square", "triangle")
_TOOLS = "pan,wheel_zoom,box_zoom,reset"
_RGBA = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] + [255] for c in BASIN_COLOURS])


def _new(name: str, x: str, y: str, **more: Any) -> Any:
    plot = figure(
        name=name, x_axis_label=x, y_axis_label=y, tools=_TOOLS, toolbar_location="above",
        sizing_mode="stretch_width", height=340, min_width=200, **more,
    )  # fmt: skip
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    plot.grid.grid_line_alpha = 0.4
    for axis in plot.axis:
        axis.axis_label_text_font_style = "normal"
    return plot


def _line(**options: Any) -> Any:
    line: Any = Span  # its arguments are properties, which type checkers do not know
    return line(**options)


def _range(start: float, end: float) -> Any:
    kind: Any = Range1d
    return kind(start, end)


def _source(**columns: Any) -> Any:
    return ColumnDataSource(data={name: list(values) for name, values in columns.items()})


class Plots:
    """The plots of one page, and what fills them."""

    def __init__(self) -> None:
        self._reach: dict[str, tuple[float, float]] = {}  # of the radii shown
        self.path = self._path()
        self.spectrum = self._spectrum()
        self.course = self._course()
        self.basins = self._basins()

    @property
    def roots(self) -> tuple[Any, ...]:
        """The plots."""
        return self.path, self.spectrum, self.course, self.basins

    def _path(self) -> Any:
        plot = _new(
            "path", "along pattern A (relative to the norm)", "across it, towards pattern B",
            match_aspect=True,
        )  # fmt: skip
        plot.x_range.range_padding = plot.y_range.range_padding = 0.3  # room for the names
        self._stored = _source(x=[], y=[], name=[], colour=[], size=[])
        self._way = _source(x=[], y=[], leg=[], step=[])
        self._ends = _source(
            x=[0, 1],
            y=[0, 1],
            text=["", ""],
            colour=["white"] * 2,
            marker=["circle"] * 2,
            up=[0, 0],
            aside=[0, 0],
            align=["left"] * 2,
        )
        stored = plot.scatter(
            "x", "y", source=self._stored, size="size", color="colour", alpha=0.9, marker="diamond"
        )
        plot.line("x", "y", source=self._way, color=VERMILION, line_width=2)
        states = plot.scatter("x", "y", source=self._way, size=5, color=VERMILION)
        plot.scatter(
            "x", "y", source=self._ends, size=13, marker="marker", line_color=VERMILION,
            fill_color="colour", line_width=2.5,
        )  # fmt: skip
        plot.text(
            "x", "y", text="text", source=self._ends, x_offset="aside", y_offset="up",
            text_align="align", text_font_size="12px",
        )  # fmt: skip
        plot.add_tools(HoverTool(renderers=[stored], tooltips=[("stored", "@name")]))
        tips = [("state", "@step"), ("made by", "@leg")]
        plot.add_tools(HoverTool(renderers=[states], tooltips=tips))
        return plot

    def _spectrum(self) -> Any:
        plot = _new(
            "spectrum", "real part", "imaginary part", match_aspect=True,
        )  # fmt: skip
        turn = np.linspace(0, 2 * np.pi, 200)
        plot.line(np.cos(turn), np.sin(turn), color=GREY, line_width=1.5)
        self._others = _source(re=[], im=[])
        self._here = _source(re=[], im=[])
        self._largest = _source(re=[], im=[])
        plot.scatter([-1.1, 1.1], [-1.1, 1.1], size=1, alpha=0)  # some room
        plot.scatter("re", "im", source=self._others, size=4, color=SKY, alpha=0.6)
        here = plot.scatter("re", "im", source=self._here, size=7, color=BLUE)
        plot.scatter(
            "re", "im", source=self._largest, size=15, line_color=VERMILION, fill_color=None,
            line_width=2.5,
        )  # fmt: skip
        tips = [("eigenvalue", "@re{0.0000} + @im{0.0000} i")]
        plot.add_tools(HoverTool(renderers=[here], tooltips=tips))
        return plot

    def _course(self) -> Any:
        plot = _new(
            "course", "norm of the patterns", "largest spectral radius", x_axis_type="log",
            x_range=_range(NORMS[0] / 1.2, NORMS[-1] * 1.2), y_range=_range(0, 1.1),
        )  # fmt: skip
        self._radii = _source(norm=[], radius=[])
        self._sampled = _source(norm=[], radius=[])
        self._critical = _source(norm=[], radius=[], text=[])
        plot.line("norm", "radius", source=self._radii, color=BLUE, line_width=2)
        curve = plot.scatter("norm", "radius", source=self._radii, color=BLUE, size=4)
        plot.line(
            "norm", "radius", source=self._sampled, color=VERMILION, line_width=2,
            line_dash="dashed",
        )  # fmt: skip
        other = plot.scatter(
            "norm", "radius", source=self._sampled, color=VERMILION, size=6, marker="square"
        )
        plot.scatter(
            "norm", "radius", source=self._critical, size=15, color=VERMILION, marker="star"
        )
        plot.text(
            "norm", "radius", text="text", source=self._critical, y_offset=-10, x_offset=8,
            text_font_size="12px",
        )  # fmt: skip
        self._norm = _line(dimension="height", location=0, line_color=GREEN, line_width=2)
        one = _line(dimension="width", location=1, line_color=GREY, line_width=1.5)
        plot.add_layout(self._norm)
        plot.add_layout(one)
        tips = [("norm", "@norm{0.0}"), ("radius", "@radius{0.0000}")]
        plot.add_tools(HoverTool(renderers=[curve, other], tooltips=tips))
        return plot

    def _basins(self) -> Any:
        plot = _new(
            "basins", "position in the plane (units of the rows)", "position in the plane",
            match_aspect=True,
        )  # fmt: skip
        plot.x_range.range_padding = plot.y_range.range_padding = 0
        self._map = _source(image=[], x=[], y=[], dw=[], dh=[])
        self._corners = _source(x=[0, 1], y=[0, 1], text=["", ""], marker=["circle"] * 2)
        plot.image_rgba("image", "x", "y", "dw", "dh", source=self._map)
        plot.scatter(
            "x", "y", source=self._corners, size=13, marker="marker", fill_color="white",
            line_color="black", line_width=2,
        )  # fmt: skip
        plot.text(
            "x", "y", text="text", source=self._corners, x_offset=10, y_offset=-6,
            text_color="white", text_font_size="13px", text_font_style="bold",
        )  # fmt: skip
        return plot

    def show(self, seen: Seen) -> None:
        """Fill the plots of what is seen at once."""
        self._show_path(seen)
        kept = nonzero(seen.eigenvalues)
        self._here.data = {"re": np.real(kept), "im": np.imag(kept)}
        top = seen.eigenvalues[:1]
        self._largest.data = {"re": np.real(top), "im": np.imag(top)}
        self._others.data = {"re": [], "im": []}
        self._norm.location = seen.memory.norm_

    def _show_path(self, seen: Seen) -> None:
        plane, names = seen.plane, seen.state.patterns.names
        a, b = plane.pair
        count = len(plane.patterns)
        colours = np.full(count, GREY, object)
        colours[a], colours[b] = BLUE, ORANGE
        sizes = np.where(np.isin(np.arange(count), [a, b]), 20, 9)
        self._stored.data = {
            "x": plane.patterns[:, 0], "y": plane.patterns[:, 1],
            "name": list(names[:count]), "colour": list(colours), "size": sizes,
        }  # fmt: skip
        x, y = plane.path.T
        self._way.data = {"x": x, "y": y, "leg": list(seen.trace.legs), "step": np.arange(len(x))}
        spots = np.vstack([plane.path[[0, -1]], plane.patterns[[a, b]]])
        rightmost = spots[:, 0] > spots[:, 0].mean()  # their names go to the left
        self._ends.data = {
            "x": spots[:, 0], "y": spots[:, 1], "text": ["cue", "end", "A", "B"],
            "colour": ["white", VERMILION, BLUE, ORANGE],
            "marker": ["circle", "circle", "diamond", "diamond"],
            "up": [-6, -6, 22, 22], "aside": np.where(rightmost, -10, 10),
            "align": list(np.where(rightmost, "right", "left")),
        }  # fmt: skip

    def show_companions(self, values: Complex[np.ndarray, "m e"]) -> None:
        """Show the eigenvalues at other patterns."""
        kept = nonzero(values)
        self._others.data = {"re": np.real(kept), "im": np.imag(kept)}

    def show_course(self, course: CriticalNorm) -> None:
        """Show radius against norm, of the memory or of a sampled network's limit."""
        known = np.isfinite(course.radii)
        data = {"norm": course.norms[known], "radius": course.radii[known]}
        found = np.isfinite(course.norm)
        least, most = self._reach.get("ends", (1.0, 1.0))
        if known.any():
            radii = course.radii[known]
            self._reach["ends"] = least, most = min(least, radii.min()), max(most, radii.max())
        room = 0.08 * (most - least) + 1e-3
        self.course.y_range.update(
            start=least - room, end=most + 2 * room
        )  # the critical norm is named above
        if course.f0 == "zero":
            self._radii.data = data
        else:
            self._sampled.data = data
            self._critical.data = {
                "norm": [course.norm] if found else [], "radius": [1.0] if found else [],
                "text": [f"critical norm {course.norm:.3g}"] if found else [],
            }  # fmt: skip

    def forget_courses(self) -> None:
        """Empty the plot of radius against norm."""
        none: list[float] = []
        self._reach.clear()
        self._radii.data = {"norm": none, "radius": none}
        self._sampled.data = {"norm": none, "radius": none}
        self._critical.data = {"norm": none, "radius": none, "text": []}

    def show_basins(self, found: Basins | None) -> None:
        """Show a basin map, or none."""
        if found is None:
            self._map.data = {name: [] for name in self._map.data}
            return
        picture = _RGBA[found.kinds].astype(np.uint8)
        image = np.ascontiguousarray(picture).view(np.uint32)[..., 0]
        half = [(axis[1] - axis[0]) / 2 for axis in (found.x, found.y)]
        self._map.data = {
            "image": [image], "x": [found.x[0] - half[0]], "y": [found.y[0] - half[1]],
            "dw": [np.ptp(found.x) + 2 * half[0]], "dh": [np.ptp(found.y) + 2 * half[1]],
        }  # fmt: skip
        self._corners.data = {
            "x": found.corners[:, 0], "y": found.corners[:, 1], "text": ["A", "B", "C"],
            "marker": list(_MARKERS),
        }  # fmt: skip
