"""Threads of BLAS are limited in a block, and are as before after the last of several."""

from contextlib import ExitStack

from threadpoolctl import ThreadpoolController

from attractory._util.threads import few_threads, side_by_side


def used():
    import scipy.linalg  # noqa: F401

    return [
        pool["num_threads"] for pool in ThreadpoolController().info() if pool["user_api"] == "blas"
    ]


def test_blocks_that_overlap_give_back_the_threads_there_were():
    """As those of two threads of a caller do: neither ends within the other."""
    with ThreadpoolController().limit(limits=2):
        first, second = ExitStack(), ExitStack()
        first.enter_context(few_threads(10))
        second.enter_context(few_threads(10))
        first.close()
        assert set(used()) == {1}  # the second block's, still
        second.close()
        assert set(used()) == {2}
        with few_threads(1 << 40):
            assert set(used()) == {2}
        seen = list(side_by_side(lambda _: set(used()), range(3), workers=2))
        assert seen == [{1}] * 3
        assert set(used()) == {2}
