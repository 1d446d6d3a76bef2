"""The machine's cores and memory, and how much of it storing points would take."""

import platform
from pathlib import Path

import joblib
import psutil

__all__ = [
    "DENSE",
    "GIB",
    "SOLVERS",
    "cores",
    "few_sizes",
    "iterates",
    "machine_bytes",
    "processor",
    "refuse_square_matrices",
    "refuse_what_cannot_fit",
    "tile_room",
]

SOLVERS = ("auto", "cholesky", "cg")
DENSE = 20_000  # points whose kernel matrix "auto" still factorises
GIB = 2**30
_TILES = 0.25  # of the machine's memory may go to tiles that are kept
_VECTORS = 12  # arrays of the points' size that conjugate gradients hold
_SMALLEST, _LARGEST = 64, 4096  # sizes that arrays are padded to


def cores() -> int:
    """Return how many cores this process may use: less than the machine's under Slurm, say."""
    return joblib.cpu_count()


def machine_bytes() -> float:
    """Return the bytes of the machine's memory."""
    return float(psutil.virtual_memory().total)


def processor() -> str:
    """Return the name of the processor."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def tile_room() -> float:
    """Return the bytes in which tiles may be kept."""
    return _TILES * machine_bytes()


def iterates(solver: str, n: int) -> bool:
    """Whether n points are stored by conjugate gradients."""
    return solver == "cg" or (solver == "auto" and n > DENSE)


def refuse_what_cannot_fit(n: int, dim: int, solver: str, name: str, matrices: int = 1) -> None:
    """Refuse, before anything is allocated, what the machine has no memory for.

    Args:
        n, dim: of the points.
        solver: "auto", "cholesky" or "cg".
        name: the argument that holds the points.
        matrices: of n × n numbers that a factorisation needs.

    Raises:
        ValueError: with what it would take, and what would do instead.
    """
    size = machine_bytes()
    if iterates(solver, n):
        wanted, mend = 8.0 * _VECTORS * n * (dim + 1), "pass fewer rows, or rows of fewer numbers"
    else:
        wanted, mend = 8.0 * matrices * n**2, "pass solver='cg', which holds no matrix"
    if wanted > size:
        raise ValueError(
            f"{name} must fit the machine's memory of {size / GIB:.0f} GiB: {n:,} rows of {dim} "
            f"numbers would take {wanted / GIB:,.0f} GiB; {mend}"
        )


def refuse_square_matrices(dim: int, count: int, name: str, mend: str) -> None:
    """Refuse what takes so many dim × dim matrices, if the machine has no memory for them.

    Raises:
        ValueError: with what they would take, and what would do instead.
    """
    size, wanted = machine_bytes(), 8.0 * count * dim**2
    if wanted > size:
        raise ValueError(
            f"{name} takes {count} matrices of {dim:,} × {dim:,} numbers, {wanted / GIB:,.0f} GiB "
            f"of the machine's {size / GIB:.0f} GiB of memory; {mend}"
        )


def few_sizes(count: int, least: int = _SMALLEST, most: float = _LARGEST) -> int:
    """Return the least of few sizes, for arrays that are compiled for, that is at least `count`.

    Powers of two from `least` to 512, then four in an octave; above `most`, where compiling takes
    the lesser part of the time, the number itself.

    Example:
        >>> [few_sizes(n) for n in (3, 65, 512, 513, 1000, 5000)]
        [64, 128, 512, 640, 1024, 5000]
    """
    if count > most:
        return count
    octave = 1 << (max(count, least) - 1).bit_length()
    step = octave if octave <= 512 else octave // 8
    return -(-count // step) * step
