"""IDX files, the format of MNIST."""

import struct


def idx(array, code=8):
    return (
        bytes([0, 0, code, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + (array.astype({8: ">u1", 13: ">f4", 14: ">f8"}[code]).tobytes())
    )
