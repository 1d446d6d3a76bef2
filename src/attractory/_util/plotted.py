"""Base of the results that draw themselves: `result.plot()`.

Results lie below `plotting`, which imports them. Only the method knows the way up, by the package's
door, when it is called.
"""

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
        import attractory

        return attractory.plotting.plot(self, **options)
