"""Files judged by their first bytes: damaged, hostile, or of another kind than their names say."""

import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from idx_files import idx
from PIL import Image

from attractory.datasets import MOST_UNPACKED, read_idx
from attractory.io import NothingRead, load_patterns

GOOD = [[1.0, 2.0, 3.0]]


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def header(text, version=(1, 0), body=b""):
    """Return an .npy file with a header of one's own."""
    text = text.encode() + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text + body


def described(shape, kind="<f8", fortran=False, **rest):
    return header(f"{{'descr': {kind!r}, 'fortran_order': {fortran}, 'shape': {shape}}}", **rest)


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def picture(kind, mode="L", **options):
    file = io.BytesIO()
    image = Image.fromarray(np.arange(1, 13, dtype=np.uint8).reshape(3, 4)).convert(mode)
    image.save(file, kind, **options)
    return file.getvalue()


def animated(kind):
    frames = [Image.new("L", (3, 3), 80 * k) for k in range(3)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    return file.getvalue()


DAMAGED = [
    ("a.npy", described("(True, 4)", body=bytes(32)), "has the impossible shape (True, 4)"),
    ("a.npy", described("(1180591620717411303424, 0)"), "has the impossible shape"),
    ("a.npy", described("(-1, 3)", body=bytes(24)), "has the impossible shape (-1, 3)"),
    ("a.npy", described("(-1, -3)", body=bytes(24)), "has the impossible shape (-1, -3)"),
    ("a.npy", described("(9223372036854775807, 9223372036854775807)"), "is cut short"),
    ("a.npy", described("(1.5, 2)", body=bytes(24)), "is no .npy file, or damaged"),
    ("a.npy", described("3", body=bytes(24)), "is no .npy file, or damaged"),
    ("a.npy", described(f"({'1, ' * 40})", body=bytes(8)), "has the impossible shape"),
    ("a.npy", described("(3,)", "|O", body=bytes(24)), "holds Python objects (a pickle)"),
    ("a.npy", described("(3,)", "|S0"), "save real numbers"),
    ("a.npy", described("(3,)", "no type", body=bytes(24)), "is no .npy file, or damaged"),
    ("a.npy", described("(3,)", version=(9, 9), body=bytes(24)), "unknown .npy version 9.9"),
    ("a.npy", header("[" * 9000), "is no .npy file, or damaged at its start"),
    ("a.npy", header("{}" + " " * 60_000, (2, 0)), "is no .npy file, or damaged"),
    ("a.npz", npz(a=np.ones((2, 3)), b=np.ones(2)), "holds 2 arrays (a, b); save the one you"),
    ("a.npz", npz(a=np.ones((2, 3)))[:-30], "is a damaged .npz file"),
    ("a.npz", npz(), "holds 0 arrays; save"),
    ("a.npz", b"no archive", "is no .npz file"),
    ("a.npz", npz(a=np.array([None, 1])), "holds Python objects (a pickle)"),
    ("a.idx", bytes([0, 0, 8, 9]) + b"\xff" * 36, "is cut short"),
    ("a.idx", bytes([0, 0, 8, 65]) + bytes(260), "has the impossible shape"),
    ("a.gz", gzip.compress(gzip.compress(idx(np.ones((2, 3))))), "is packed twice"),
    ("a.csv.gz", gzip.compress(b"1,2,3\n" * 3)[:-7], "is a damaged gzip file"),
    ("a.gif", animated("GIF"), "is an animation; save the image you mean"),
    ("a.webp", animated("WEBP"), "is an animation"),
    ("a.tif", animated("TIFF"), "holds several pages; save the one"),
    ("a.png", animated("PNG"), "is an animation"),
    ("a.tif", picture("TIFF", "F"), "has pixels of 32 bits"),
    ("a.bmp", picture("BMP")[:60], "is a damaged image"),
    ("a.webp", picture("WEBP")[:40], "is a damaged image"),
]  # fmt: skip


def test_no_damaged_file_ends_a_batch(tmp_path):
    """Each is named with its reason in one line, and what is good goes on."""
    paths = []
    for k, (name, content, _) in enumerate(DAMAGED):
        folder = tmp_path / str(k)
        folder.mkdir()
        (folder / name).write_bytes(content)
        (folder / "good.csv").write_text("1,2,3\n")
        paths += [folder / name, folder / "good.csv"]
    loaded = load_patterns(paths)
    assert loaded.rows.tolist() == GOOD * len(DAMAGED)
    assert [path for path, _ in loaded.failed] == [str(path) for path in paths[::2]]
    for (_, reason), (_, _, words) in zip(loaded.failed, DAMAGED, strict=True):
        assert words in reason
        assert "\n" not in reason


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG"])
def test_images_are_told_by_their_bytes(tmp_path, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    (tmp_path / "any.png").write_bytes(picture(kind, **options))
    loaded = load_patterns([tmp_path / "any.png"])
    colour = kind == "WEBP"  # which has no grey
    assert loaded.shape == ((3, 4, 3) if colour else (3, 4))
    want = np.arange(1, 13) / 255
    np.testing.assert_allclose(
        loaded.rows[0], np.repeat(want, 3) if colour else want,
        atol=0.02 if kind == "JPEG" else 1e-12,
    )  # fmt: skip


def text(array, separator):
    return "\n".join(separator.join(map(repr, row)) for row in array.tolist()).encode()


def test_arrays_of_every_order(tmp_path):
    array = np.random.default_rng(0).normal(size=(3, 4)).astype(">f4")
    for name, content in (
        ("c.npy", npy(array)),
        ("f.npy", npy(np.asfortranarray(array))),
        ("z.npz", npz(x=array)),
        ("v3.npy", described("(3, 4)", ">f4", version=(3, 0), body=array.tobytes())),
        ("named.data", npy(array)),
        ("a.idx", idx(array, 13)),
        ("a.idx.gz", gzip.compress(idx(array, 13))),
        ("a.csv.gz", gzip.compress(text(array, ","))),
        ("a.tsv", text(array, "\t")),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        assert (load_patterns([tmp_path / name]).rows == array).all()


def test_standard_input_is_of_any_kind(monkeypatch):
    array = np.random.default_rng(0).normal(size=(3, 4))
    for content, want in (
        (npy(array), array), (text(array, ","), array), (text(array, "\t"), array),
        (gzip.compress(text(array, ";")), array), (gzip.compress(idx(array, 14)), array),
        (npz(x=array), array), (picture("PNG"), [np.arange(1, 13) / 255]),
    ):  # fmt: skip
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        assert (load_patterns(["-"]).rows == np.asarray(want)).all()
    for stream, words in (
        (None, "- is closed"), (SimpleNamespace(buffer=io.BytesIO()), "- is empty"),
        (SimpleNamespace(buffer=io.BytesIO(b"%PDF\0")), "- is of no known kind"),
    ):  # fmt: skip
        monkeypatch.setattr("sys.stdin", stream)
        with pytest.raises(NothingRead, match=words):
            load_patterns(["-"])


# Bombs: little on disk, much when read.


def packed_zeros(start, count):
    """Return a gzip file of a start and so many zero bytes, made without holding them."""
    pack = zlib.compressobj(1, wbits=31)
    parts = [pack.compress(start)]
    for _ in range(count // 2**20):
        parts.append(pack.compress(bytes(2**20)))
    return b"".join([*parts, pack.flush()])


def test_what_unpacks_to_too_much_is_refused_by_its_header(tmp_path):
    size = MOST_UNPACKED + 1
    vast = idx(np.zeros((1, 1)))[:4] + struct.pack(">2I", 1, size)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", described(f"(1, {size})", "|u1", body=bytes(2**16)))
    bombs = {
        "zeros.gz": (packed_zeros(b"", 2**24), "is not an IDX file"),
        "zeros.csv.gz": (packed_zeros(b"", 2**24), "is no text"),
        "idx.gz": (packed_zeros(vast, 2**24), "unpacks to 268,435,457 numbers"),
        "more.gz": (packed_zeros(idx(np.ones((2, 3))), 2**24), "goes on after its end"),
        "x.npz": (zipped.getvalue(), "unpacks to 268,435,457 numbers"),
        "lines.csv": ((b" " * 999 + b"\n") * 1100, "is no table: no numbers in its first"),
        "text.csv": ((b"#" + b"w" * 998 + b"\n") * 1100, "is no table: no numbers in its first"),
    }
    for name, (content, _) in bombs.items():
        (tmp_path / name).write_bytes(content)
    tracemalloc.start()
    with pytest.raises(NothingRead) as caught:
        load_patterns([tmp_path / name for name in bombs])
    peak = tracemalloc.get_traced_memory()[1]
    with pytest.raises(ValueError, match=r"idx\.gz unpacks to 268,435,457 numbers"):
        read_idx(tmp_path / "idx.gz")
    tracemalloc.stop()
    for (_, reason), (_, words) in zip(caught.value.failed, bombs.values(), strict=True):
        assert words in reason
    assert peak < 2**23  # none of the 16 MiB was held


def test_a_sparse_file_of_more_than_the_memory(tmp_path):
    count = 2**42
    with (tmp_path / "a.npy").open("wb") as file:
        start = described(f"(1, {count})", "|u1")
        file.write(start)
        try:
            file.truncate(len(start) + count)
        except OSError:
            pytest.skip("the file system takes no file of this length")
    with pytest.raises(NothingRead, match="does not fit into memory"):
        load_patterns([tmp_path / "a.npy"])


# Transparency of PNG files, by the definition of tRNS: the one level named is transparent.


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, bits, colour, clear=None, palette=None):
    """Return a PNG file of (height, width, channels) samples of so many bits."""
    height, width = samples.shape[:2]
    rows = b""
    for row in samples.reshape(height, -1):
        if bits == 16:
            rows += b"\0" + row.astype(">u2").tobytes()
        else:
            digits = "".join(f"{value:0{bits}b}" for value in row)
            digits += "0" * (-len(digits) % 8)
            rows += b"\0" + bytes(int(digits[k : k + 8], 2) for k in range(0, len(digits), 8))
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head)]
    if palette is not None:
        parts.append(chunk(b"PLTE", bytes(palette)))
    if clear is not None:
        parts.append(chunk(b"tRNS", clear))
    parts += [chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_transparent_grey_of_every_depth(tmp_path, bits):
    most = 2**bits - 1
    levels = np.unique(np.linspace(0, most, 16).astype(int))
    path = tmp_path / "a.png"
    for clear in (None, *levels):
        mark = None if clear is None else struct.pack(">H", clear)
        path.write_bytes(png(levels[None, :, None], bits, 0, mark))
        want = np.where(levels == clear, 1, levels / most)
        np.testing.assert_allclose(load_patterns([path]).rows[0], want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bits", [8, 16])
def test_transparent_colour_of_every_depth(tmp_path, bits):
    most = 2**bits - 1
    # Colours that agree in their upper bytes and differ in the lower ones.
    colours = np.array([[most // 3, 7, 8], [most // 3, 7, 9], [most, 0, 0], [0, 0, 0]])
    path = tmp_path / "a.png"
    for clear in colours:
        path.write_bytes(png(colours[None], bits, 2, struct.pack(">3H", *clear)))
        want = np.where(
            (colours == clear).all(axis=1, keepdims=True), 1, (colours >> bits - 8) / 255
        )
        pixels = load_patterns([path]).rows.reshape(-1, 3)
        np.testing.assert_allclose(pixels, want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_transparent_palettes(tmp_path, bits):
    path = tmp_path / "a.png"
    indices = np.array([0, 1])[None, :, None]
    path.write_bytes(png(indices, bits, 3, bytes([0, 51]), [255, 0, 0, 0, 0, 255]))
    want = [[1, 1, 1], [0.8, 0.8, 1]]  # blue at opacity 0.2 over white
    np.testing.assert_allclose(load_patterns([path]).rows.reshape(-1, 3), want, atol=1e-12)
