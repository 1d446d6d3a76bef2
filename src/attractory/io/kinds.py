"""What a file is, judged by its first bytes; its name decides only where text has no signature."""

from attractory._util.byte_file import ByteFile

__all__ = [
    "IMAGE_KINDS",
    "KINDS",
    "KNOWN",
    "RECALL_TABLE",
    "Refused",
    "kind_of",
    "moving_kind",
]

IMAGE_KINDS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")
_TABLES = (".csv", ".tsv")
_TEXTS = (*_TABLES, ".txt")  # of a folder the first two are taken, since any notes end in .txt
_ARRAYS = (".npy", ".npz")
_IDX = (".idx", "-ubyte", ".gz")
KNOWN = (*_IMAGES, *_ARRAYS, *_TABLES, *_IDX)
KINDS = ", ".join(KNOWN)
RECALL_TABLE = "recall.csv"  # what `attractory recall` says of its outputs; of folders left out
_START = 4096  # bytes that are looked at

_SIGNS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"), (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"\x93NUMPY", "npy"),
    (b"PK\x03\x04", "npz"), (b"PK\x05\x06", "npz"), (b"\x1f\x8b", "gzip"),
)  # fmt: skip


_MOVING = (
    (0, b"\x1aE\xdf\xa3", "matroska"), (0, b"FLV\x01", "flv"), (0, b"OggS", "ogg"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "asf"), (0, b"\0\0\x01\xba", "mpeg"),
    (0, b"\0\0\x01\xb3", "mpegvideo"), (0, b"YUV4MPEG2 ", "yuv4mpegpipe"), (0, b".RMF", "rm"),
    (4, b"ftyp", "mov"), (4, b"moov", "mov"), (4, b"mdat", "mov"), (4, b"wide", "mov"),
    (4, b"free", "mov"), (4, b"skip", "mov"), (4, b"pnot", "mov"),
)  # fmt: skip
_PACKET = 188  # bytes of a packet of an MPEG transport stream


class Refused(ValueError):
    """A file that cannot be used; the message goes on from the file's name."""


def moving_kind(start: bytes) -> str | None:
    """Return what a file of sequences is by its first bytes: "WAV", or FFmpeg's name of a film's
    container; None if it is neither.
    """
    if start[:4] in (b"RIFF", b"RIFX", b"RF64") and start[8:12] == b"WAVE":
        return "WAV"
    if start[:4] == b"RIFF" and start[8:12] in (b"AVI ", b"AVIX"):
        return "avi"
    for place, sign, name in _MOVING:
        if start[place : place + len(sign)] == sign:
            return name
    synced = len(start) > 2 * _PACKET and {start[k * _PACKET] for k in range(3)} == {0x47}
    return "mpegts" if synced else None


def kind_of(file: ByteFile, name: str) -> str:
    """Return one of `IMAGE_KINDS`, "npy", "npz", "gzip", "idx" or "table".

    The file is open at its start, where it stays.

    Raises:
        Refused: if it is empty or of no known kind; with what its name would have it be.
    """
    start = file.read(_START)
    file.seek(0)
    name = name.lower()
    if not start:
        raise Refused("is empty (0 bytes)")
    wide = start[:2] in (b"\xff\xfe", b"\xfe\xff")
    if name.endswith(_TEXTS):
        if not wide and b"\0" in start:
            raise Refused("is no text; save it as numbers separated by commas")
        return "table"
    for sign, kind in _SIGNS:
        if start.startswith(sign):
            return kind
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start[:2] == b"BM" and start[6:10] == bytes(4):
        return "BMP"
    if len(start) >= 4 and start[:2] == b"\0\0" and start[2] >= 8:
        return "idx"
    if moving := moving_kind(start):
        what = "sound" if moving == "WAV" else "a film"
        raise Refused(f"is {what}; store it with --sequence (load_sequences)")
    if name == "-":  # standard input, which has no other name to go by
        if not wide and b"\0" in start:
            raise Refused(f"is of no known kind; convert it to one of {KINDS}")
        return "table"
    if name.endswith(_IMAGES):
        raise Refused(
            f"is no image ({', '.join(IMAGE_KINDS[:-1])} or {IMAGE_KINDS[-1]}), or damaged; "
            "convert it"
        )
    if name.endswith(".npy"):
        raise Refused("is no .npy file, or damaged at its start; write it anew")
    if name.endswith(".npz"):
        raise Refused("is no .npz file, or damaged at its start; write it anew")
    if name.endswith(_IDX):
        raise Refused(
            "is not an IDX file: it must start with two zero bytes and a type code, "
            f"got {start[:4].hex(' ')}"
        )
    raise Refused(f"is of no known kind; convert it to one of {KINDS}")
