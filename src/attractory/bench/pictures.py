"""Pictures of the benchmark: shares of cues as tables of colour, with the numbers in them."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from attractory.bench.memories import OURS
from attractory.bench.protocols import Protocol
from attractory.bench.results import BenchResult
from attractory.plotting.style import new_figure

__all__ = ["plot_overview", "plot_protocol"]

_BEST = 0.005  # shares that differ by less are shown as equal
_NAMED = 3  # of several memories that are best


def plot_overview(result: BenchResult) -> Figure:
    """Show the share of each memory (rows) in each protocol (columns).

    Example:
        >>> from attractory.bench import run
        >>> small = run(["random-signs"], rivals=["mean row", "search, Euclid"], n=10, cues=4)
        >>> plot_overview(small).get_suptitle()
        'Largest share: search, Euclid'
    """
    columns = result.columns()
    names = [memory.name for memory in result.memories]
    shares = np.array([
        [result.share(memory=name, protocol=p.name, n=n).value for p, n in columns]
        for name in names
    ])  # fmt: skip
    heads = [f"{p.name}\n{n:,} rows" for p, n in columns]
    what = "protocols" if len(columns) == len(result.protocols) else "protocols and sizes"
    return _table(shares, names, heads, _message(shares, names, what))


def plot_protocol(result: BenchResult, protocol: Protocol, n: int) -> Figure:
    """Show the share of each memory (rows) for each kind of cue (columns) of a protocol.

    Example:
        >>> from attractory.bench import run
        >>> small = run(["random-signs"], rivals=["mean row", "search, Euclid"], n=10, cues=4)
        >>> figure = plot_protocol(small, small.protocols[0], 10)
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['mean row', 'search, Euclid']
    """
    kinds = result.conditions(protocol.name, n)
    names = [memory.name for memory in result.memories]
    shares = np.array([
        [
            result.share(memory=name, protocol=protocol.name, n=n, condition=kind).value
            for kind in kinds
        ]
        for name in names
    ])  # fmt: skip
    message = f"{protocol.title}, {n:,} rows. {_message(shares, names, 'kinds of cue')}"
    return _table(shares, names, kinds, message)


def _message(shares: Float[np.ndarray, "m k"], names: list[str], what: str) -> str:
    """Say which memories are best most often; this library's own first."""
    known = np.nan_to_num(shares, nan=-1.0)
    best = (known >= known.max(axis=0) - _BEST) & (known >= 0)
    counts = best.sum(axis=1)
    if counts.max(initial=0) == 0:
        return "No memory has a result"
    most = [name for name, count in zip(names, counts, strict=True) if count == counts.max()]
    most.sort(key=lambda name: name != OURS)
    named = most if len(most) <= _NAMED + 1 else [*most[:_NAMED], f"{len(most) - _NAMED} more"]
    total = shares.shape[1]
    where = f" in {counts.max()} of {total} {what}" if total > 1 else ""
    return f"Largest share{where}: {'; '.join(named)}"


def _table(
    shares: Float[np.ndarray, "m k"], names: list[str], heads: list[str], title: str
) -> Figure:
    rows, columns = shares.shape
    figure = new_figure(2.6 + 0.62 * max(columns, 5), 1.9 + 0.27 * rows)
    axis = figure.subplots()
    image = axis.imshow(shares, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    axis.set_yticks(range(rows), names, fontsize=8)
    axis.set_xticks(range(columns), heads, fontsize=7, rotation=40, ha="right")
    axis.tick_params(length=0)
    for i in range(rows):
        for j in range(columns):
            value = shares[i, j]
            text = "failed" if np.isnan(value) else f"{value:.2f}"
            color = "black" if value > 0.55 or np.isnan(value) else "white"
            axis.text(j, i, text, ha="center", va="center", fontsize=7, color=color)
    bar = figure.colorbar(image, ax=axis, fraction=0.03, pad=0.01)
    bar.set_label("share of cues recalled", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    figure.suptitle(title, fontsize=9)
    return figure
