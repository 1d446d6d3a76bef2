"""Files: what was saved is read back, and every file that is of no use is named with its reason."""

import gzip
import os
import pickle
import struct
import warnings
import zlib
from io import BytesIO

import numpy as np
import pytest
from idx_files import idx
from PIL import Image

from attractory.io import LoadedPatterns, load_patterns, save_images
from attractory.io.images import MOST_PIXELS

STEP = 1 / 255 / 2 + 1e-12  # half a grey level


def random(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.01, 1, shape)


def grey(path, shape=(4, 5), seed=0):
    levels = np.random.default_rng(seed).integers(1, 256, shape).astype(np.uint8)
    Image.fromarray(levels).save(path)
    return levels.reshape(1, -1) / 255


def in_memory(save, *args):
    file = BytesIO()
    save(file, *args)
    return file.getvalue()


def npy(array):
    return in_memory(np.save, array)


# A header that announces more than memory holds.
VAST = npy(np.ones(3)).replace(b"(3,), }" + b" " * 9, b"(3000000000,), }")


def png(size=(6, 5)):
    levels = np.random.default_rng(0).integers(1, 256, size).astype(np.uint8)
    return in_memory(Image.fromarray(levels).save, "PNG")


def chunk(kind, data):
    """Return a piece of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width, height, bits, kind, pixels):
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def bomb(width, height):
    """Return a PNG that announces this size and holds a few bytes of pixels."""
    return png_of(width, height, 8, 0, bytes(10_000))


def reasons(loaded):
    return {os.path.basename(path): reason for path, reason in loaded.failed}


@pytest.fixture
def beside(tmp_path):
    """Load a file beside a good one, and return the reason the file is refused."""

    def load(name, content=None, **options):
        good = tmp_path / "good.csv"
        good.write_text("1,2,3\n")
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        loaded = load_patterns([path, good], **options)
        assert loaded.names == ("good.csv",)
        assert loaded.rows.tolist() == [[1, 2, 3]]
        ((where, reason),) = loaded.failed
        assert where == str(path)
        assert "\n" not in reason
        with pytest.raises(ValueError, match="got none: ") as caught:
            load_patterns([path], **options)
        assert f"{path} {reason}" in str(caught.value)
        return reason

    return load


# Round trips


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (1, 2), (3, 1)])
def test_png_round_trip(tmp_path, shape):
    rows = random(6, int(np.prod(shape)))
    rows[0, 0], rows[-1, -1] = 1.7, -0.3
    names = [f"cue {k}" for k in range(6)]
    paths = save_images(rows, names, shape, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [f"{name}.png" for name in names]
    loaded = load_patterns(paths)
    assert loaded.shape == shape
    assert loaded.names == tuple(path.name for path in paths)
    assert loaded.failed == ()
    assert loaded.rows.dtype == np.float64
    np.testing.assert_allclose(loaded.rows, rows.clip(0, 1), rtol=0, atol=STEP)


def test_eight_bit_pixels_come_back_as_they_were(tmp_path):
    first = grey(tmp_path / "a.png", (16, 16))
    (path,) = save_images(first, ["b"], (16, 16), tmp_path)
    assert (load_patterns([path]).rows == first).all()


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG"])
def test_jpeg_is_near(tmp_path, suffix):
    smooth = np.add.outer(np.linspace(0, 0.5, 16), np.linspace(0.1, 0.5, 16)).reshape(1, -1)
    paths = save_images(smooth, ["a"], (16, 16), tmp_path, suffix=suffix)
    assert paths[0].suffix == suffix.lower()
    np.testing.assert_allclose(load_patterns(paths).rows, smooth, atol=0.03)


@pytest.mark.parametrize("kind", ["<f8", ">f4", "<f2", "<i4", "u1", "?", "g"])
def test_npy_round_trip(tmp_path, kind):
    array = (np.arange(1, 25).reshape(4, 6) % 7).astype(kind)
    (tmp_path / "a.NPY").write_bytes(npy(array))
    loaded = load_patterns([tmp_path / "a.NPY"])
    scale = 255 if kind == "u1" else 1
    assert (loaded.rows == array.astype(float) / scale).all()
    assert loaded.names == tuple(f"a.NPY[{k}]" for k in range(4))
    assert loaded.shape is None


@pytest.mark.parametrize(
    ("shape", "rows", "image"),
    [((6,), 1, None), ((1, 6), 1, None), ((2, 3, 4), 2, (3, 4)), ((2, 3, 4, 3), 2, (3, 4, 3))],
)
def test_shapes_of_arrays(tmp_path, shape, rows, image):
    array = random(*shape)
    for order in (array, np.asfortranarray(array)):
        np.save(tmp_path / "a.npy", order)
        loaded = load_patterns([tmp_path / "a.npy"])
        assert (loaded.rows == array.reshape(rows, -1)).all()
        assert loaded.shape == image
        assert len(loaded.names) == rows


def test_vectors_round_trip_exactly(tmp_path):
    rows = random(3, 7) * 5 - 2
    paths = save_images(rows, ["a", "b", "c"], None, tmp_path)
    assert [path.name for path in paths] == ["recalled.npy"]
    assert (load_patterns(paths).rows == rows).all()


@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress])
@pytest.mark.parametrize("name", ["a.idx", "A-UBYTE", "a.idx3-ubyte", "plain", "a.data", "a.gz"])
def test_idx_round_trip(tmp_path, pack, name):
    images = np.random.default_rng(0).integers(1, 256, (3, 4, 5))
    (tmp_path / name).write_bytes(pack(idx(images)))
    loaded = load_patterns([tmp_path / name])
    assert (loaded.rows == images.reshape(3, -1) / 255).all()
    assert loaded.shape == (4, 5)
    assert loaded.names[2] == f"{name}[2]"


def test_idx_of_real_numbers_is_taken_as_it_is(tmp_path):
    (tmp_path / "a.idx").write_bytes(idx(7 * random(3, 4), 14))
    assert (load_patterns([tmp_path / "a.idx"]).rows == 7 * random(3, 4)).all()


@pytest.mark.parametrize(
    "text",
    [
        "1,2,-3e2\n4,5,6.5\n",
        "1;2;-3e2\r\n4;5;6.5",
        " 1 2\t-3e2\n\n4\t5   6.5\n\n",
        "1, 2, -3e2\n4 , 5, 6.5\n",
        "a,b,c\n1,2,-3e2\n4,5,6.5\n",
        '"x; y" ;b;c\n1;2;-3e2\n4;5;6.5\n',
        "first second third\n1,2,-3e2\n4,5,6.5\n",
        "# made by hand, 2 rows\nx y z\n1 2 -3e2\n# between\n4 5 6.5\n",
    ],
)
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_round_trip(tmp_path, text, coding):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(coding))
    loaded = load_patterns([path])
    assert loaded.rows.tolist() == [[1, 2, -300], [4, 5, 6.5]]
    assert loaded.names == ("a.csv[0]", "a.csv[1]")
    assert loaded.shape is None


def test_csv_header_in_another_encoding(tmp_path):
    (tmp_path / "a.csv").write_bytes("Höhe;Länge\n1;2\n".encode("latin-1"))
    assert load_patterns([tmp_path / "a.csv"]).rows.tolist() == [[1, 2]]


def test_csv_digits_survive(tmp_path):
    rows = random(5, 9)
    np.savetxt(tmp_path / "a.csv", rows, fmt="%.17g", delimiter=";", header="a;b")
    assert (load_patterns([tmp_path / "a.csv"]).rows == rows).all()


# Pixels


def saved(path, image, **options):
    image.save(path, **options)
    loaded = load_patterns([path])
    return loaded.rows.reshape(loaded.shape)


def test_sixteen_bits_are_kept(tmp_path):
    levels = np.array([[1, 255, 256], [30_000, 65_534, 65_535]], np.uint16)
    pixels = saved(tmp_path / "a.png", Image.fromarray(levels))
    assert (pixels == levels / 65535).all()


def test_sixteen_bits_with_a_transparent_level(tmp_path):
    levels = np.array([[1, 300, 400]], np.uint16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    raw = (tmp_path / "a.png").read_bytes()
    place = raw.index(b"IDAT") - 4
    mark = chunk(b"tRNS", struct.pack(">H", 300))
    (tmp_path / "a.png").write_bytes(raw[:place] + mark + raw[place:])
    assert load_patterns([tmp_path / "a.png"]).rows.tolist() == [[1 / 65535, 1, 400 / 65535]]


@pytest.mark.parametrize(
    ("kind", "levels", "pixels"),
    [
        (2, [300, 20_000, 65_535], [[[300, 20_000, 65_535]]]),
        # 30000 at half opacity over white; fully transparent
        (4, [30_000, 32_768, 1000, 0], [[47_767, 65_535]]),
        (6, [300, 20_000, 65_535, 0], [[[65_535] * 3]]),
    ],
)
def test_sixteen_bits_of_other_kinds(tmp_path, kind, levels, pixels):
    """Pillow reads these at 8 bits."""
    raw = b"\0" + struct.pack(f">{len(levels)}H", *levels)
    width = len(pixels[0])
    (tmp_path / "a.png").write_bytes(png_of(width, 1, 16, kind, raw))
    loaded = load_patterns([tmp_path / "a.png"])
    assert loaded.shape == np.shape(pixels)
    np.testing.assert_allclose(loaded.rows, np.reshape(pixels, (1, -1)) / 65535, atol=2 / 255)


def test_bilevel_and_palettes(tmp_path):
    bits = Image.fromarray(np.array([[0, 255], [255, 255]], np.uint8)).convert("1")
    assert saved(tmp_path / "a.png", bits).tolist() == [[0, 1], [1, 1]]
    palette = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8))
    palette.putpalette([51, 51, 51, 102, 102, 102, 255, 255, 255])
    assert saved(tmp_path / "b.png", palette).tolist() == [[0.2, 0.4], [1, 0.4]]
    pixels = saved(tmp_path / "c.png", palette, transparency=0)
    assert pixels.tolist() == [[1, 0.4], [1, 0.4]]
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    pixels = saved(tmp_path / "d.png", palette)
    assert pixels.tolist() == [[[1, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 1, 0]]]


def test_transparency_shows_white(tmp_path):
    # Over white, colour c of opacity a is a·c + 1 − a.
    levels = np.array([[[102, 0, 255, 51], [9, 9, 9, 0], [0, 51, 0, 255]]], np.uint8)
    pixels = saved(tmp_path / "a.png", Image.fromarray(levels, "RGBA"))
    want = [[[0.88, 0.8, 1.0], [1, 1, 1], [0, 0.2, 0]]]
    np.testing.assert_allclose(pixels, want, atol=1e-12)
    pixels = saved(tmp_path / "b.png", Image.fromarray(levels[..., ::3], "LA"))
    np.testing.assert_allclose(pixels, [[0.88, 1, 0]], atol=1e-12)
    solid = Image.fromarray(levels[..., :3])
    pixels = saved(tmp_path / "c.png", solid, transparency=(0, 51, 0))
    np.testing.assert_allclose(pixels[0, 2], 1, atol=1e-12)
    one = Image.fromarray(np.array([[51, 0]], np.uint8))
    assert saved(tmp_path / "d.png", one, transparency=0).tolist() == [[0.2, 1]]
    bits = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    assert saved(tmp_path / "e.png", bits, transparency=0).tolist() == [[1, 1]]


def test_colour_modes_become_rgb(tmp_path):
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    for mode in ("CMYK", "YCbCr", "RGB"):
        pixels = saved(tmp_path / f"{mode}.jpg", red.convert(mode), quality=100)
        assert pixels.shape == (8, 8, 3)
        np.testing.assert_allclose(pixels[4, 4], [1, 0, 0], atol=0.03)


@pytest.mark.parametrize("turn", range(1, 9))
def test_orientation(tmp_path, turn):
    """EXIF's eight: which corner of the stored image is the upper left of the scene, and how."""
    scene = grey(tmp_path / "scene.png", (3, 5)).reshape(3, 5)
    stored = {
        1: scene, 2: scene[:, ::-1], 3: scene[::-1, ::-1], 4: scene[::-1],
        5: scene.T, 6: scene.T[::-1], 7: scene.T[::-1, ::-1], 8: scene.T[:, ::-1],
    }[turn]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = turn
    levels = np.ascontiguousarray(np.rint(stored * 255).astype(np.uint8))
    assert (saved(tmp_path / "a.png", Image.fromarray(levels), exif=exif) == scene).all()
    wide = Image.fromarray(levels.astype(np.uint16) * 257)
    assert (saved(tmp_path / "b.png", wide, exif=exif) == scene).all()


# Folders and names


def test_folder_in_natural_order(tmp_path):
    names = ["img10.png", "img2.PNG", "IMG1.png", "img02.png", "b 3.png", "Ärger.png"]
    want = {name: grey(tmp_path / name, seed=k)[0] for k, name in enumerate(names)}
    grey(tmp_path / "._img1.png")
    grey(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("1,2,3")
    (tmp_path / "inner.png").mkdir()
    grey(tmp_path / "inner.png" / "deep.png")
    loaded = load_patterns([tmp_path])
    assert loaded.names == ("b 3.png", "IMG1.png", "img02.png", "img2.PNG", "img10.png",
                            "Ärger.png")  # fmt: skip
    assert loaded.failed == ()
    for name, row in zip(loaded.names, loaded.rows, strict=True):
        assert (row == want[name]).all()


def test_files_keep_the_order_given(tmp_path):
    rows = [grey(tmp_path / name, seed=k) for k, name in enumerate(["b.png", "a.png"])]
    (tmp_path / "folder").mkdir()
    rows.append(grey(tmp_path / "folder" / "a.png", seed=5))
    loaded = load_patterns([str(tmp_path / "b.png"), tmp_path / "a.png", tmp_path / "folder"])
    assert loaded.names == ("b.png", f"{tmp_path.name}/a.png", "folder/a.png")
    assert (loaded.rows == np.concatenate(rows)).all()


def test_subfolders_and_what_is_left_out(tmp_path, monkeypatch):
    deep = tmp_path / "two" / "a" / "b"
    deep.mkdir(parents=True)
    grey(deep / "x.png", seed=1)
    grey(tmp_path / "two" / "a" / "x10.png", seed=2)
    grey(tmp_path / "two" / "a" / "x9.png", seed=3)
    (tmp_path / "two" / ".hidden").mkdir()
    grey(tmp_path / "two" / ".hidden" / "x.png")
    with pytest.raises(ValueError, match=r"known kind .*; left out 1 subfolder \(a\), which"):
        load_patterns([tmp_path / "two"])
    loaded = load_patterns([tmp_path / "two"], recursive=True)
    assert loaded.names == ("a/b/x.png", "a/x9.png", "a/x10.png")
    assert loaded.notes == ()
    (tmp_path / "two" / "notes.txt").write_text("1 2 3\n")
    (tmp_path / "two" / "recall.csv").write_text("1 2 3\n")  # what `attractory recall` writes
    loaded = load_patterns([tmp_path / "two", tmp_path / "two" / "a" / "b"], recursive=True)
    assert loaded.names == ("a/b/x.png", "a/x9.png", "a/x10.png", "x.png")
    assert loaded.notes == (
        f"{tmp_path / 'two'}: left out 2 files of other kinds (notes.txt, recall.csv)",
    )
    monkeypatch.chdir(tmp_path)
    names = load_patterns(["two/a/x9.png", "two/a/../a/b/x.png", deep / "x.png"]).names
    assert names[0] == "x9.png"
    assert names[1] != names[2]  # two paths, of one file

    def scandir(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(ValueError, match="two cannot be read: Permission denied"):
        load_patterns([tmp_path / "two"])


def test_saved_names(tmp_path):
    names = [
        "a.png", "a.jpg", "A", "a.csv[3]", "a-2", "größe ü.PNG", "gro\u0308ße", "../x/y:z*",
        ".", "", "img.idx3-ubyte.gz[12]", "v1.5", "\udcff\n", "語" * 200, "語" * 200,
    ]  # fmt: skip
    stems = [
        "a", "a-2", "A-3", "a_3", "a-2-2", "größe ü", "größe", "_x_y_z_",
        "unnamed", "unnamed-2", "img.idx3-ubyte_12", "v1.5", "__", "語" * 66, "語" * 66 + "-2",
    ]  # fmt: skip
    rows = random(len(names), 6)
    paths = save_images(rows, names, (2, 3), tmp_path)
    assert [path.name for path in paths] == [f"{stem}.png" for stem in stems]
    assert all(path.parent == tmp_path for path in paths)
    assert len(os.listdir(tmp_path)) == len(names)
    np.testing.assert_allclose(load_patterns(paths).rows, rows, atol=STEP)


def test_existing_files_are_replaced(tmp_path):
    save_images(random(1, 6), ["a"], (2, 3), tmp_path)
    paths = save_images(random(1, 6, seed=1), ["a"], (2, 3), tmp_path)
    np.testing.assert_allclose(load_patterns(paths).rows, random(1, 6, seed=1), atol=STEP)
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("shape", [(2, 3), None])
@pytest.mark.parametrize("when", ["write", "replace"])
def test_failed_writes_leave_nothing_half_written(tmp_path, monkeypatch, shape, when):
    (before,) = save_images(random(1, 6), ["a"], shape, tmp_path)
    content = before.read_bytes()

    def full(*args, **options):
        if when == "write":
            args[1 if shape else 0].write(b"half")
        raise OSError(28, "No space left on device")

    if when == "replace":
        monkeypatch.setattr(os, "replace", full)
    elif shape:
        monkeypatch.setattr(Image.Image, "save", full)
    else:
        monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        save_images(random(2, 6, seed=1), ["a", "b"], shape, tmp_path)
    assert os.listdir(tmp_path) == [before.name]
    assert before.read_bytes() == content


def test_files_are_as_readable_as_others(tmp_path):
    (path,) = save_images(random(1, 6), ["a"], (2, 3), tmp_path)
    (tmp_path / "other").write_text("")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


# Sizes


def test_other_sizes_are_refused_and_the_rest_loaded(tmp_path):
    grey(tmp_path / "1.png", (4, 5))
    grey(tmp_path / "2.png", (5, 4))
    grey(tmp_path / "3.png", (4, 5, 3))
    (tmp_path / "4.csv").write_text("1 2 3\n")
    np.save(tmp_path / "5.npy", random(2, 4, 5))
    np.save(tmp_path / "6.npy", random(20))  # plain vectors of as many numbers
    loaded = load_patterns([tmp_path])
    assert loaded.names == ("1.png", "5.npy[0]", "5.npy[1]", "6.npy")
    assert loaded.shape == (4, 5)
    first = "where 1.png holds grey images of 4 × 5 pixels; make it alike, or load it by itself"
    assert reasons(loaded) == {
        "2.png": f"holds grey images of 5 × 4 pixels {first}",
        "3.png": f"holds colour images of 4 × 5 pixels {first}",
        "4.csv": f"holds rows of 3 numbers {first}",
    }


def test_vectors_first(tmp_path):
    np.save(tmp_path / "1.npy", random(20))
    grey(tmp_path / "2.png", (4, 5))
    grey(tmp_path / "3.png", (2, 10))
    loaded = load_patterns([tmp_path])
    assert loaded.names == ("1.npy", "2.png")
    assert loaded.shape == (4, 5)
    assert "where 2.png holds grey images of 4 × 5 pixels" in reasons(loaded)["3.png"]


def test_damaged_first_file_decides_nothing(tmp_path):
    (tmp_path / "1.csv").write_text("1,x\n")
    np.save(tmp_path / "2.npy", random(3))
    loaded = load_patterns([tmp_path])
    assert loaded.names == ("2.npy",)
    assert list(reasons(loaded)) == ["1.csv"]


def test_shape_and_dim_asked_for(tmp_path):
    grey(tmp_path / "1.png", (2, 2))
    grey(tmp_path / "2.png", (3, 4))
    np.save(tmp_path / "3.npy", random(5, 12))
    np.save(tmp_path / "4.npy", random(3, 4))
    loaded = load_patterns([tmp_path], shape=(3, 4))
    assert loaded.shape == (3, 4)
    assert loaded.names == ("2.png", *(f"3.npy[{k}]" for k in range(5)), "4.npy")
    assert (loaded.rows[-1] == random(3, 4).ravel()).all()
    assert "where the call asks for grey images of 3 × 4 pixels" in reasons(loaded)["1.png"]
    loaded = load_patterns([tmp_path], dim=4)
    assert loaded.names == ("1.png", "4.npy[0]", "4.npy[1]", "4.npy[2]")
    assert loaded.shape == (2, 2)
    assert list(reasons(loaded)) == ["2.png", "3.npy"]
    with pytest.raises(ValueError, match="3 × 4 pixels where the call asks for rows of 4 numbers"):
        load_patterns([tmp_path / "2.png"], dim=4)
    np.save(tmp_path / "5.npy", random(3, 4, 3))
    assert load_patterns([tmp_path / "5.npy"], shape=(3, 4, 3), dim=36).names == ("5.npy",)
    assert load_patterns([tmp_path / "5.npy"]).shape == (4, 3)


# Files that are of no use


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        *[(f"a{end}", b"", "is empty (0 bytes)") for end in (".png", ".npy", ".csv", ".gz", "")],
        ("a.png", b"no image", "is no image (PNG, JPEG, GIF, BMP, TIFF or WEBP), or damaged"),
        ("a.jpg", b"GIF89a" + bytes(30), "is a damaged image"),
        ("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no image (PNG"),
        ("a.png", png()[:60], "is a damaged image (image file is truncated"),
        ("a.png", png()[:45] + b"\0\0" + png()[47:], "is a damaged image (broken data stream"),
        ("a.png", bomb(4097, 4096), f"has 16,781,312 pixels; scale it to {MOST_PIXELS:,}"),
        ("a.png", bomb(10_000, 10_000), "has 100,000,000 pixels; scale it to"),
        ("a.png", bomb(60_000, 60_000), "has far too many pixels; scale it to"),
        ("a.npy", b"no array", "is no .npy file, or damaged at its start; write it anew"),
        ("a.npy", pickle.dumps([1, 2, 3]), "is no .npy file"),
        ("a.npy", npy(random(3))[:50], "is no .npy file, or damaged at its start"),
        ("a.npy", npy(random(3))[:-1], "is cut short: shape (3,) takes 152 bytes, got 151"),
        ("a.npy", npy(random(3)) + b"x", "goes on after its end"),
        ("a.npy", VAST, "is cut short: shape (3000000000,) takes"),
        ("a.npy", npy(random(0, 3)), "is empty, of shape (0, 3)"),
        ("a.npy", npy(random(3, 0)), "is empty, of shape (3, 0)"),
        ("a.npy", npy(np.array(1.0)), "has shape (); patterns take (n, d), (n, height, width)"),
        ("a.npy", npy(random(1, 3, 1, 1)), "has shape (1, 3, 1, 1); patterns take"),
        ("a.npy", npy(np.array([1, np.nan, np.inf])), "holds nan in row 0, column 1 (2 such"),
        ("a.npy", npy(np.array([[1, 2], [1, -np.inf]])), "holds -inf in row 1, column 1 (1 such"),
        ("a.npy", npy(np.array([1, 2, 3j])), "holds complex128; save real numbers instead"),
        ("a.npy", npy(np.array(["a", "b", "c"])), "holds <U1; save real numbers"),
        ("a.npy", npy(np.zeros(3, "M8[s]")), "holds datetime64[s]; save real"),
        ("a.npy", npy(np.zeros(3, "f8,f8")), "save real numbers"),
        ("a.npy", npy(np.full(3, np.finfo("g").max)), "holds inf in row 0, column 0 (3 such"),
        ("a.csv", b"1,2,3\n4,x,6\n", "has 'x' for a number in line 2"),
        ("a.csv", b"a,b,c\n\nd,e,f\n1,2,3\n", "has 'd' for a number in line 3"),
        ("a.csv", b"a,2,3\n1,2,3\n", "has 'a' for a number in line 1"),
        ("a.csv", b"1,2,\n", "has '' for a number in line 1"),
        ("a.csv", b"1;2;3\n1,5;2;3", "has '1,5' for a number in line 2, column 0; decimals take"),
        ("a.csv", b"1,2,3\n4,5\n", "has 2 numbers in line 2 where the first pattern has 3; every"),
        ("a.csv", b"a,b,c\n", "is empty: no line holds only numbers"),
        ("a.csv", b" \n\n", "is empty: no line holds only numbers"),
        ("a.csv", b"1,nan,3\n", "holds nan in row 0, column 1"),
        ("a.csv", png(), "is no text; save it as numbers separated by commas"),
        ("a-ubyte", idx(random(2, 3))[:-1], "is cut short: shape (2, 3) takes 18 bytes, got 17"),
        ("a.idx", b"no idx", "is not an IDX file: it must start with two zero bytes"),
        ("a.idx", idx(np.arange(5)), "holds 5 single numbers (labels?); give the file of images"),
        ("a.gz", gzip.compress(idx(np.ones((2, 3))), mtime=0)[:-9], "is a damaged gzip file"),
        ("a.gz", gzip.compress(b"1,2,3", mtime=0), "is not an IDX file"),
        ("a", b"1,2,3", "is of no known kind; convert it to one of .png, .jpg, .jpeg, .gif"),
        ("a.tiff", b"II*\0" + bytes(50), "is a damaged image"),
        ("a.pdf", b"%PDF-1.7" + bytes(50), "is of no known kind; convert it to one of"),
    ],
)  # fmt: skip
def test_useless_files_are_named_and_others_loaded(beside, name, content, words):
    assert words in beside(name, content)


def test_black_images_are_rows_of_zeros(tmp_path):
    grey(tmp_path / "a.png", (2, 2))
    Image.new("L", (2, 2)).save(tmp_path / "b.png")
    loaded = load_patterns([tmp_path])
    assert loaded.names == ("a.png", "b.png")
    assert not loaded.rows[1].any()


class Trap:
    def __reduce__(self):
        return os.mkdir, ("sprung",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy(np.array([Trap()] * 3)), "holds Python objects (a pickle), which are never loaded"),
        (pickle.dumps(Trap()), "is no .npy file"),
    ],
)
def test_pickles_are_never_executed(beside, tmp_path, monkeypatch, content, words):
    monkeypatch.chdir(tmp_path)
    assert words in beside("a.npy", content)
    assert not (tmp_path / "sprung").exists()
    pickle.loads(pickle.dumps(Trap()))  # the trap works
    assert (tmp_path / "sprung").exists()


def test_any_damage_is_noted(tmp_path):
    """Whichever byte breaks, the file is read or refused, without a warning or another error."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(1, 256, (8, 8)).astype(np.uint8))
    (tmp_path / "z.csv").write_text(",".join(["1"] * 64))
    for name in ("a.png", "a.jpg", "a.npy", "a.csv", "a.idx", "a.gz"):
        path = tmp_path / name
        if name.endswith(("png", "jpg")):
            image.save(path)
        rows = random(2, 64)
        content = {
            "a.npy": npy(rows), "a.idx": idx(rows, 14), "a.gz": gzip.compress(idx(rows, 14)),
            "a.csv": "\n".join(",".join(map(str, row)) for row in rows).encode(),
        }.get(name) or path.read_bytes()  # fmt: skip
        for _ in range(60):
            broken = bytearray(content)
            for place in rng.integers(0, min(len(broken), 200), 2):
                broken[place] = rng.integers(0, 256)
            path.write_bytes(
                broken[: rng.integers(1, len(broken))] if rng.random() < 0.3 else broken
            )
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                loaded = load_patterns([path, tmp_path / "z.csv"])
            assert np.isfinite(loaded.rows).all()
            assert len(loaded.failed) < 2


def test_paths_that_are_no_files(beside, tmp_path):
    assert beside("nowhere.png") == "does not exist"
    (tmp_path / "empty folder").mkdir()
    (tmp_path / "empty folder" / "read.me").write_text("1")
    assert beside("empty folder").startswith("is a folder without any file of a known kind (.png")
    os.symlink(tmp_path / "nothing", tmp_path / "link.npy")
    assert beside("link.npy") == "does not exist"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        assert beside("pipe.png") == "is no regular file"


def test_files_that_may_not_be_read(beside, monkeypatch):
    from attractory.io import decoding as _decoding

    def refuse(file, kind):
        raise error

    monkeypatch.setattr(_decoding, "read_image", refuse)
    error = PermissionError(13, "Permission denied")
    assert beside("a.png", png()) == "cannot be read: Permission denied"
    error = MemoryError()
    assert beside("a.png", png()) == "does not fit into memory; split or shrink it"


def test_many_failures_are_cut(tmp_path):
    with pytest.raises(ValueError, match=r"none: .*/x0 does not exist; .*; and 5 more$"):
        load_patterns([tmp_path / f"x{k}" for k in range(15)])


# Bad arguments


def test_bad_paths(tmp_path):
    with pytest.raises(ValueError, match=r"got none: a\.png does not exist"):
        load_patterns("a.png")  # one path needs no list
    with pytest.raises(ValueError, match="paths must name at least one file or folder, got none"):
        load_patterns([])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": (3,)}, r"shape must be \(height, width\) or \(height, width, 3\), got \(3,\)"),
        ({"shape": (3, 4, 2)}, "shape must be"),
        ({"shape": (3, 0)}, "shape's entries must be at least 1, got 0"),
        ({"dim": 0}, "dim must be at least 1"),
        ({"shape": (3, 4), "dim": 13}, r"dim must be the 12 numbers of shape \(3, 4\), got 13"),
    ],
)
def test_bad_sizes(options, words):
    with pytest.raises(ValueError, match=words):
        load_patterns(["a.png"], **options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": random(2, 5)}, "rows must have 6 features"),
        ({"rows": np.full((2, 6), np.nan)}, "rows must be finite"),
        ({"names": ["a"]}, "names must be one a row, got 1 for 2 rows"),
        ({"shape": (6,)}, "shape must be"),
        ({"suffix": ".bmp"}, "suffix must be one of '.png', '.jpg', '.jpeg'; got '.bmp'"),
    ],
)
def test_bad_saves(tmp_path, change, words):
    given = {"rows": random(2, 6), "names": ["a", "b"], "shape": (2, 3), "suffix": ".png"} | change
    with pytest.raises(ValueError, match=words):
        save_images(folder=tmp_path / "new", **given)
    assert not (tmp_path / "new").exists()


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(ValueError, match=r"folder must be a folder, got the file .*f"):
        save_images(random(1, 6), ["a"], (2, 3), tmp_path / "f")


def test_result_is_frozen(tmp_path):
    np.save(tmp_path / "a.npy", random(3))
    loaded = load_patterns([tmp_path / "a.npy"])
    assert isinstance(loaded, LoadedPatterns)
    with pytest.raises(AttributeError):
        loaded.rows = None
