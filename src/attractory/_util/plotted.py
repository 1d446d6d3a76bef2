"""Base of the results that draw themselves: `result.plot()`.

Results lie below `plotting`, which imports them. Only the method knows the way up, by a name in a
string: code that computes a result does not reach what draws it, and the versions of a sweep's
cells do not depend on that.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Plotted"]


class Plotted:
    """A result with a figure."""

    def plot(self, **options: Any) -> "Figure":
        """Return a figure of this result, by the function of `plotting` that draws its kind.

        Args:
            options: of that function, such as `title`; see `plotting.plot`.
        """
        return import_module("attractory.plotting").plot(self, **options)
