"""Data: the bundled digits are real and read right; damaged files are named."""

import gzip
import hashlib

import numpy as np
import pytest
from idx_files import idx
from sklearn.neighbors import KNeighborsClassifier

from attractory.datasets import (
    bundled_digits,
    gaussian,
    mnist,
    read_idx,
    rescale,
    sklearn_digits,
    sphere,
)


def test_bundled_digits_are_digits():
    images, labels = bundled_digits()
    assert images.shape == (200, 784)
    assert images.min() == 0
    assert images.max() == 1
    assert set(labels.tolist()) == set(range(10))
    # A classifier trained on one half reads most of the other: labels belong to images.
    knn = KNeighborsClassifier(1).fit(images[:150], labels[:150])
    assert knn.score(images[150:], labels[150:]) > 0.7
    few, few_labels = bundled_digits(7)
    assert (few == images[:7]).all()
    assert (few_labels == labels[:7]).all()


def test_bundled_pixels_are_those_of_the_mnist_test_set():
    """SHA-256 of bytes 16 to 156,816 of the original, unpacked t10k-images-idx3-ubyte."""
    images, _ = bundled_digits()
    pixels = np.round(images * 255)
    assert (pixels / 255 == images).all()
    digest = hashlib.sha256(pixels.astype(np.uint8).tobytes()).hexdigest()
    assert digest == "b40951266842e68099badfd113fb1525bce88e99ecbc0779db1bfac8fe4b0b16"


def test_sklearn_digits():
    images, labels = sklearn_digits(10)
    assert images.shape == (10, 64)
    assert images.max() <= 1
    assert labels.tolist() == list(range(10))


@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress])
@pytest.mark.parametrize("code", [8, 13, 14])
def test_idx_round_trip(tmp_path, pack, code):
    array = np.arange(24).reshape(2, 3, 4)
    path = tmp_path / "file"
    path.write_bytes(pack(idx(array, code)))
    read = read_idx(path)
    assert (read == array).all()
    assert read.dtype == {8: np.uint8, 13: np.float32, 14: np.float64}[code]


def test_mnist_folder(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28))
    labels = np.arange(5)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    x, y = mnist(tmp_path, n=3)
    np.testing.assert_array_equal(x, images[:3].reshape(3, -1) / 255)
    assert y.tolist() == [0, 1, 2]
    with pytest.raises(FileNotFoundError, match=r"neither train-images-idx3-ubyte nor .*\.gz"):
        mnist(tmp_path, "train")
    with pytest.raises(ValueError, match="n must be from 1 to 5, got 6"):
        mnist(tmp_path, n=6)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(4)))
    with pytest.raises(ValueError, match=r"images and labels .* must be as many"):
        mnist(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an IDX file.*got nothing"),
        (b"PNG!....", "not an IDX file"),
        (bytes([0, 0, 8]), "not an IDX file"),
        (bytes([0, 0, 7, 1, 0, 0, 0, 0]), "not an IDX file"),
        (bytes([0, 0, 8, 3, 0, 0]), "cut short.*header"),
        (idx(np.arange(9))[:-1], r"cut short: shape \(9,\) takes 17 bytes, got 16"),
        (idx(np.arange(9)) + b"x", "goes on after its end"),
        (gzip.compress(idx(np.arange(9)), mtime=0)[:-9], "damaged gzip"),
        (gzip.compress(idx(np.arange(9)), mtime=0)[:20], "damaged gzip"),
        (bytes([0, 0, 8, 4]) + b"\xff" * 16, "cut short"),
    ],
)
def test_damaged_files_are_named(tmp_path, content, words):
    path = tmp_path / "broken-idx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as caught:
        read_idx(path)
    assert "broken-idx" in str(caught.value)


def test_missing_files():
    with pytest.raises(FileNotFoundError, match="no file nowhere"):
        read_idx("nowhere")
    with pytest.raises(FileNotFoundError, match="folder 'nowhere' does not exist"):
        mnist("nowhere")


def test_sphere_is_uniform():
    points = sphere(20_000, 3, norm=2.0, seed=1)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 2.0, rtol=1e-14)
    # Archimedes: each coordinate is uniform on [−2, 2], so of variance 4/3.
    np.testing.assert_allclose(points.var(axis=0), 4 / 3, rtol=0.03)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=0.03)


def test_seeds():
    assert (gaussian(3, 4, seed=5) == gaussian(3, 4, seed=5)).all()
    assert (gaussian(3, 4, seed=5) != gaussian(3, 4, seed=6)).any()
    assert gaussian(20_000, 1, std=3.0).std() == pytest.approx(3, rel=0.03)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_rescale_gives_the_norm(center, scale):
    x = scale * gaussian(5, 4, seed=2)
    out = rescale(x, 7.0, center=center)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 7.0, rtol=1e-14)
    base = x - x.mean(axis=0) if center else x
    cosine = np.sum(base / scale * out, 1) / np.linalg.norm(base / scale, axis=1) / 7
    np.testing.assert_allclose(cosine, 1, rtol=1e-13)


def test_bad_values():
    for call, words in [
        (lambda: rescale([[1.0, 2.0]], 1.0), "must differ from their mean.*center=False"),
        (lambda: rescale([[0.0, 0.0]], 1.0, center=False), "zero vector"),
        (lambda: rescale([[1.0, 2.0], [2.0, 1.0]], 0.0), "norm must be .* above 0, got 0"),
        (lambda: rescale([[1.0, 2.0], [2.0, 1.0]], -3.0), "norm must be .* above 0, got -3"),
        (lambda: rescale([[1.0, np.inf]], 1.0), "patterns must be finite"),
        (lambda: bundled_digits(201), "n must be from 1 to 200, got 201"),
        (lambda: sphere(0, 3), "n must be at least 1"),
        (lambda: gaussian(3, 3, std=-1.0), "std must be"),
        (lambda: gaussian(3, 3, seed=-1), "seed must be at least 0"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
