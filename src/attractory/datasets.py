"""Patterns to store: real digits, IDX files of the MNIST family, and random points.

Everything is seeded and returns float64 NumPy arrays, one pattern a row; images are flattened, with
pixels in [0, 1]. Nothing is downloaded.
"""

import gzip
import math
import zlib
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from attractory._util.aliases import ArrayLike
from attractory._util.byte_file import ByteFile
from attractory._util.validation import as_points, length_error, no_zero_rows, positive, whole

__all__ = [
    "bundled_digits",
    "gaussian",
    "mnist",
    "read_idx",
    "rescale",
    "sklearn_digits",
    "sphere",
]

MOST_UNPACKED = 2**28  # numbers; MNIST has 47 million, CIFAR-10 154 million

Labelled = tuple[Float[np.ndarray, "n d"], Int[np.ndarray, " n"]]

_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_MNIST_NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def bundled_digits(n: int | None = None) -> Labelled:
    """Return the first n of the 200 MNIST digits that come with the package, and their labels.

    They are the first 200 of the MNIST test set (Y. LeCun, C. Cortes, C. J. C. Burges; CC BY-SA
    3.0).

    Args:
        n: how many, 1 to 200; all by default.

    Returns:
        Images (n, 784) with pixels in [0, 1], row by row of 28 × 28, and labels (n,).

    Raises:
        ValueError: if n is not from 1 to 200.

    Example:
        >>> images, labels = bundled_digits(3)
        >>> images.shape, labels.tolist()
        ((3, 784), [7, 2, 1])
    """
    with (files("attractory") / "_digits" / "digits.npz").open("rb") as file, np.load(file) as data:
        images, labels = data["images"], data["labels"]
    count = len(images) if n is None else whole(n, "n", 1, len(images))
    return _pixels(images[:count]), labels[:count].astype(np.int64)


def sklearn_digits(n: int | None = None) -> Labelled:
    """Return the first n of scikit-learn's 1797 digits, (n, 64) for 8 × 8 pixels, and labels.

    Raises:
        ValueError: if n is not from 1 to 1797.

    Example:
        >>> sklearn_digits(5)[0].shape
        (5, 64)
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    count = len(images) if n is None else whole(n, "n", 1, len(images))
    return np.asarray(images[:count]) / 16.0, np.asarray(labels[:count], np.int64)


def mnist(
    folder: str | Path, split: Literal["train", "test"] = "test", n: int | None = None
) -> Labelled:
    """Return the first n images and labels of an MNIST-like set in a folder of IDX files.

    The folder holds the files under their usual names (`t10k-images-idx3-ubyte`, …), plain or with
    `.gz`; Fashion-MNIST, KMNIST and others come in the same form.

    Args:
        folder: where the files are.
        split: "train" or "test".
        n: how many; all by default.

    Raises:
        FileNotFoundError: if the folder or a file is not there.
        ValueError: if a file is damaged, or the files disagree in length, or n is out of range.

    Example:
        >>> mnist("no/such/folder")
        Traceback (most recent call last):
        FileNotFoundError: folder 'no/such/folder' does not exist
    """
    if split not in _MNIST_NAMES:
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    where = Path(folder)
    if not where.is_dir():
        raise FileNotFoundError(f"folder {str(folder)!r} does not exist")
    images, labels = (read_idx(_present(where, name)) for name in _MNIST_NAMES[split])
    if images.ndim < 2 or images.dtype != np.uint8:
        raise ValueError(
            f"{_MNIST_NAMES[split][0]} in {where} must hold unsigned bytes of shape "
            f"(n, height, width), got {images.dtype} of shape {images.shape}"
        )
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"images and labels in {where} must be as many, got {len(images)} images and labels "
            f"of shape {labels.shape}"
        )
    count = len(images) if n is None else whole(n, "n", 1, len(images))
    return _pixels(images[:count]), labels[:count].astype(np.int64)


def _present(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"neither {name} nor {name}.gz is in {folder}")


def read_idx(path: str | Path) -> np.ndarray:
    """Return the array of one IDX file, plain or gzipped, in the type it was stored in.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no IDX file, is cut short, or goes on after its end, or unpacks to more
            than 2²⁸ numbers.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "four"
        >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3, 4]))
        >>> read_idx(path).tolist()
        [1, 2, 3, 4]
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            if not packed:
                return idx_array(file, path.stat().st_size)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return idx_array(unpacked, None)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is a damaged gzip file: {error}") from None
        except ValueError as error:
            raise ValueError(f"{path} {error}") from None


def idx_array(file: ByteFile, length: int | None) -> np.ndarray:
    """Return the array of an IDX file that is open at its start.

    Nothing is read before the first bytes are judged, and no more than they announce.

    Args:
        file: to read from.
        length: of the file in bytes; None if it is unpacked as it is read, and not known.

    Raises:
        ValueError: as for `read_idx`; the message goes on from the file's name.

    Example:
        >>> from io import BytesIO
        >>> idx_array(BytesIO(bytes([0, 0, 8, 1, 0, 0, 0, 2, 3, 4])), 10).tolist()
        [3, 4]
    """
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _IDX_TYPES:
        raise ValueError(
            "is not an IDX file: it must start with two zero bytes and a type code, "
            f"got {start.hex(' ') or 'nothing'}"
        )
    dtype, rank = np.dtype(_IDX_TYPES[start[2]]), start[3]
    sizes = file.read(4 * rank)
    header = 4 + 4 * rank
    if len(sizes) < 4 * rank:
        raise ValueError(f"is cut short: {4 + len(sizes)} bytes do not hold its header")
    shape = np.frombuffer(sizes, ">u4").tolist()
    count = math.prod(shape)
    expected = header + count * dtype.itemsize
    if length is None:
        if count > MOST_UNPACKED:
            raise ValueError(unpacks_to(count))
        content = file.read(count * dtype.itemsize)
        length = header + len(content) + len(file.read(1))
        if error := length_error(length, expected, tuple(shape)):
            raise ValueError(error)
    else:
        if error := length_error(length, expected, tuple(shape)):
            raise ValueError(error)
        content = file.read(count * dtype.itemsize)
    if len(content) != count * dtype.itemsize:
        raise ValueError("was changed while it was read")
    try:
        array = np.frombuffer(content, dtype).reshape(shape)
    except ValueError:  # no numbers, and sizes beyond NumPy's
        raise ValueError(f"has the impossible shape {tuple(shape)}") from None
    return array.astype(dtype.newbyteorder("="))


def unpacks_to(count: int) -> str:
    """Say that a compressed file holds too much; the message goes on from the file's name.

    Example:
        >>> unpacks_to(10**9)[:30]
        'unpacks to 1,000,000,000 numbe'
    """
    return (
        f"unpacks to {count:,} numbers, more than the {MOST_UNPACKED:,} that are read from a "
        "compressed file; unpack it first, or split it"
    )


def _pixels(images: np.ndarray) -> Float[np.ndarray, "n d"]:
    return images.reshape(len(images), -1) / 255.0


def sphere(n: int, dim: int, *, norm: float = 1.0, seed: int = 0) -> Float[np.ndarray, "n d"]:
    """Return n points uniform on the sphere of radius `norm` in `dim` dimensions, (n, dim).

    Example:
        >>> points = sphere(3, 5, norm=2.0)
        >>> np.linalg.norm(points, axis=1).round(12).tolist()
        [2.0, 2.0, 2.0]
    """
    points = gaussian(n, dim, seed=seed)
    size = np.linalg.norm(points, axis=1, keepdims=True)
    return positive(norm, "norm") * points / size


def gaussian(n: int, dim: int, *, std: float = 1.0, seed: int = 0) -> Float[np.ndarray, "n d"]:
    """Return n points with independent normal coordinates of standard deviation `std`, (n, dim).

    Example:
        >>> gaussian(2, 3).shape
        (2, 3)
    """
    rng = np.random.default_rng(whole(seed, "seed", 0))
    shape = whole(n, "n", 1), whole(dim, "dim", 1)
    return positive(std, "std") * rng.standard_normal(shape)


def rescale(patterns: ArrayLike, norm: float, center: bool = True) -> Float[np.ndarray, "n d"]:
    """Return patterns scaled to one Euclidean norm, by default after taking off their mean.

    Images have only positive pixels and so lie within a narrow cone, where K is nearly singular;
    taking off the mean spreads them out.

    Args:
        patterns: (n, d).
        norm: the norm each row gets.
        center: whether to subtract the mean pattern first.

    Raises:
        ValueError: if norm is not above 0, or a pattern is zero (after centring: equals the mean,
            as a single pattern does), or a value is not finite.

    Example:
        >>> rescale([[0.0, 1.0], [2.0, 1.0]], norm=3.0).tolist()
        [[-3.0, 0.0], [3.0, 0.0]]
    """
    points, norm = as_points(patterns, "patterns"), positive(norm, "norm")
    if center:
        points = points - points.mean(axis=0)
        if not points.any(axis=1).all():
            raise ValueError(
                "patterns must differ from their mean to be centred, got row "
                f"{int(np.flatnonzero(~points.any(axis=1))[0])} equal to it; pass center=False"
            )
    no_zero_rows(points, "patterns")
    # Dividing by the largest entry first keeps the squares from over- or underflowing.
    points = points / np.abs(points).max(axis=1, keepdims=True)
    return norm * (points / np.linalg.norm(points, axis=1, keepdims=True))
