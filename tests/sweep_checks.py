"""What the tests of sweeps compare."""

import numpy as np

from attractory.sweeps import open_sweep


def bits(values):
    """What equal values have equal, to the bit, and in types."""
    return values and {
        name: (v.dtype.str, v.shape, v.tobytes())
        if isinstance(v, np.ndarray)
        else (type(v), np.float64(v).tobytes() if isinstance(v, float) else v)
        for name, v in values.items()
    }


def exact(result):
    return [(cell.settings, bits(cell.values), str(cell.error)) for cell in result.cells]


def name(cell):
    """What `walk` notes."""
    return f"{cell.settings['x']}-{cell.settings['seed']}"


def settled(out):
    """What a folder holds, whatever the order in which it was stored."""
    cells = open_sweep(out).cells
    return {name(cell): (bits(cell.values), str(cell.error)) for cell in cells}
