"""Types whose names stand in signatures: `help` shows `ArrayLike`, not the union that it is."""

import numpy.typing
from typing_extensions import TypeAliasType

__all__ = ["ArrayLike", "DTypeLike"]

# Anything NumPy makes an array of. NumPy's own alias is printed in 250 characters.
ArrayLike = TypeAliasType("ArrayLike", numpy.typing.ArrayLike)
# Anything NumPy makes a dtype of.
DTypeLike = TypeAliasType("DTypeLike", numpy.typing.DTypeLike)
