"""Calls timed in turn.

Contender, floor and peer are called one after the other, round by round, so that all of them meet
the same machine; what is kept is the median of each and the ratio of medians. pytest-benchmark and
asv time one function to the end before they begin with the next, which on a shared machine compares
two machines.
"""

import statistics
import time


def seconds(call):
    """Return the seconds one call takes, or those that the call itself measured elsewhere."""
    begun = time.perf_counter()
    told = call()
    return told if isinstance(told, float) else time.perf_counter() - begun


def interleaved(calls, least=3, budget=6.0, most=15):
    """Return cold and warm times of calls by name.

    Args:
        calls: functions by name; one that returns a float says itself how long it took.
        least, most: rounds.
        budget: seconds after which no round begins, the least being done.

    Returns:
        {name: {"cold": s, "warm": median, "low": s, "high": s, "rounds": k}}.
    """
    cold = {name: seconds(call) for name, call in calls.items()}
    warm = {name: [] for name in calls}
    begun, rounds = time.perf_counter(), 0
    while rounds < least or (rounds < most and time.perf_counter() - begun < budget):
        for name, call in calls.items():
            warm[name].append(seconds(call))
        rounds += 1
    return {
        name: {
            "cold": cold[name], "warm": statistics.median(times), "low": min(times),
            "high": max(times), "rounds": rounds,
        }
        for name, times in warm.items()
    }  # fmt: skip
