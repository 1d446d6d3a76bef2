from .run import Cell as Cell
from .run import CellError as CellError
from .run import SweepError as SweepError
from .run import SweepResult as SweepResult
from .run import grid as grid
from .run import open_sweep as open_sweep
from .run import sweep as sweep
