"""Kinds of damage to measure recall on, apart from the public ones in `attractory.bench.damage`.

`held_out` are measured once, by `benchmarks/damage.py --held-out`. The others were held out once,
measured, and tuned on since. Whoever writes a new set moves `held_out` to the end of `SPENT`.
"""

from . import (
    spent_1,
    spent_2,
    spent_3,
    spent_4,
    spent_5,
    spent_6,
    spent_7,
    spent_8,
    spent_9,
    spent_10,
    spent_11,
)

SPENT = (
    spent_1, spent_2, spent_3, spent_4, spent_5, spent_6, spent_7, spent_8, spent_9, spent_10,
    spent_11,
)  # fmt: skip
