"""Associative memories side by side by published protocols, on digits and on Fashion-MNIST.

    python benchmarks/compare.py --digits FOLDER --fashion FOLDER   # folders with IDX files

It is `attractory bench --data FILE --n 100 --n 1000` for both, every protocol and memory; 2,000
random patterns, twenty for each of their signs; and 4,096 rows by the one protocol that was
published for so many, for the searches and our memory. Cells are kept in benchmarks/.cells and not
computed twice.
"""

import argparse
from pathlib import Path

import numpy as np
from _results import keep

from attractory import bench
from attractory.bench.memories import OURS
from attractory.datasets import mnist

SIZES = (100, 1000)
LOADED = 2000  # random patterns of 100 signs
MANY = 4096
CELLS = Path(__file__).parent / ".cells"
AHEAD = 0.05  # by which another memory must lead to be named


def cell(share):
    return "–" if not share.cues else f"{share.value:.2f}"


def table(result, n, protocols):
    """Return a table of Markdown: a memory a line, a protocol a column."""
    lines = ["| | " + " | ".join(p.name for p in protocols) + " | ms a cue | MB |"]
    lines.append("|---" * (len(protocols) + 3) + "|")
    for memory in result.memories:
        found = [s for s in result.scores if s.memory == memory.name and s.n == n and not s.error]
        if not found:
            continue
        shares = [result.share(memory=memory.name, protocol=p.name, n=n) for p in protocols]
        time, size = np.median([s.seconds for s in found]), max(s.bytes for s in found)
        lines.append(
            f"| {memory.name} | " + " | ".join(map(cell, shares))
            + f" | {1e3 * time:.2g} | {size / 1e6:.3g} |"
        )  # fmt: skip
    return lines


def ahead(result, n, protocols):
    """Say where another memory leads ours, most first."""
    others = [m.name for m in result.memories if m.name != OURS]
    found = []
    for protocol in protocols:
        for kind in result.conditions(protocol.name, n):
            where = {"protocol": protocol.name, "n": n, "condition": kind}
            ours = result.share(memory=OURS, **where).value
            shares = {name: result.share(memory=name, **where).value for name in others}
            best = max(shares, key=lambda name: np.nan_to_num(shares[name], nan=-1))
            if shares[best] - ours > AHEAD:
                found.append((ours - shares[best], protocol.name, kind, best, shares[best], ours))
    total = sum(len(result.conditions(p.name, n)) for p in protocols)
    text = [
        f"Another memory leads {OURS} by more than {AHEAD} in {len(found)} of {total} kinds of cue"
        + (":" if found else "."),
        "",
    ]
    return text + [
        f"- {protocol}, {kind}: {best} {theirs:.2f}, {OURS} {ours:.2f}"
        for _, protocol, kind, best, theirs, ours in sorted(found)
    ]


def main(folders, cues):
    lines, errors, given = [], {}, {}
    for name, folder in folders.items():
        rows = mnist(folder, "test")[0].reshape(-1, 28, 28)
        data = bench.Data(rows.reshape(len(rows), -1), (28, 28), name)
        out = CELLS / f"compare-{name}"
        result = bench.run(data=data, n=SIZES, cues=cues, out=out, progress=True)
        for n in SIZES:
            lines += [f"## {name}, {n:,} rows", "", *table(result, n, result.protocols), ""]
            lines += [*ahead(result, n, result.protocols), ""]
        errors |= result.errors()
        searches = [OURS, *(m.name for m in result.memories if "search" in m.name)]
        given = {"cues": cues, "data": data, "out": out, "progress": True}
        large = bench.run("hopfield-fenchel-young", rivals=searches, n=MANY, **given)
        lines += [f"## {name}, {MANY:,} rows", "", *table(large, MANY, large.protocols), ""]
        errors |= large.errors()
    large = bench.run("random-signs", n=LOADED, **given)
    lines += [f"## Random patterns, {LOADED:,} of 100 signs", ""]
    lines += [*table(large, LOADED, large.protocols), "", *ahead(large, LOADED, large.protocols)]
    for text, count in (errors | large.errors()).items():
        lines += ["", f"{count} cells failed: {text}"]
    head = [
        f"Share of {cues} cues of each kind that count by each protocol's own rule, all kinds of a "
        "protocol together. All memories get the same rows and cues; free parameters are the best "
        "of a stated set for each kind of cue. “mean row” returns the mean of all rows, whatever "
        "the cue: what it scores, a rule gives away.",
        "",
    ]
    keep("compare", "\n".join(head + lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--fashion", type=Path, required=True)
    parser.add_argument("--cues", type=int, default=100)
    given = parser.parse_args()
    main({"digits": given.digits, "Fashion-MNIST": given.fashion}, given.cues)
