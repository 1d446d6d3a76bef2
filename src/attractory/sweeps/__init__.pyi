from .grid import grid as grid
from .results import Cell as Cell
from .results import CellError as CellError
from .results import SweepResult as SweepResult
from .run import open_sweep as open_sweep
from .run import sweep as sweep
from .store import SweepError as SweepError
