"""Starts within certificates of recall that try to end elsewhere, and cues whose start is elsewhere.

    python benchmarks/certified_attack.py --data MNIST --fashion FASHION [--seconds 40] [--sizes 20 100 300 1000]
                                          [--only PATTERN ...] [--more]

A row of the table is of one kind of data and one number of rows. Those not run keep what they had; with
`--more` those run go on from there, with other starts around the same rows.

Starts: 20 certified rows of every memory, at 0.999 and 0.9 of their angle: random directions, towards
rivals and away, sums of rivals, rivals weighted by what the bound has for each, up the gradient of the
angle after a few steps, and around where `attack_recall` ended. As many as fit the seconds of each memory,
100,000 a row at most. Target: none is lost.

Cues: rows damaged by noise, towards another row, or in a block, by shares of `radius_in_units`. A recall begins
at the mended cue, which no certificate is of: counted are cues that end elsewhere.
"""

# ruff: noqa: E501

import argparse
import re
import time
from pathlib import Path

import numpy as np
from _results import keep
from certified_recall import sphere_point
from dimension import tiles

from attractory import AttractorMemory, certify_recall
from attractory.datasets import mnist
from attractory.memory import attack_recall
from attractory.memory.certified_chain import RecallChain
from attractory.memory.guided_recall import lead

ROWS, MOST, BATCH = 20, 100_000, 1000
SHARES = (0.25, 0.5, 0.75, 0.999)
KINDS = ("noise", "another row", "block")
KEPT = Path(__file__).parent / "results/certified_attack.md"
HEAD = "| rows | certified rows attacked | median radius | certified / attacked | starts | lost | cues within the radius in units that end elsewhere: noise, another row, block |"


def sources(args):
    """Name, and a function of n that returns rows."""
    digits, _ = mnist(args.data, "test", max(args.sizes))
    fashion = mnist(args.fashion, "test", max(args.sizes))[0]

    def random(n):
        return np.random.default_rng(n).normal(size=(n, 256))

    def alike(n):
        """Half of the digits with a copy each, a tenth to four tenths away from it."""
        half, rng = digits[: n // 2], np.random.default_rng(n)
        noise = rng.normal(size=half.shape)
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        size = np.linalg.norm(half - half.mean(axis=0), axis=1, keepdims=True)
        return np.vstack([half, half + rng.uniform(0.1, 0.4, (len(half), 1)) * size * noise])

    return {
        "digits": lambda n: digits[:n], "fashion": lambda n: fashion[:n],
        "colour tiles 32": lambda n: tiles(n, 32), "random, 256 numbers": random,
        "digits and near-duplicates": alike,
    }  # fmt: skip


def directions(unit, row, worst, weights, rng, count, used):
    """Unit directions of all kinds across a row, (count, d), shuffled."""
    p, n = unit[row], len(unit)
    order = np.argsort(-np.abs(unit @ p))[1:61]
    near = unit[order]
    signs = np.sign(near @ p)[:, None]
    part = max(count // 6, 8)
    pairs = near[rng.integers(len(near), size=part)] + near[rng.integers(len(near), size=part)]
    chosen = rng.random((part, len(near))) < rng.uniform(0.05, 0.6, (part, 1))
    bound = (chosen * weights[order] ** rng.choice([0.5, 1, 2], (part, 1))) @ (signs * near)
    noise = rng.normal(size=(part, len(p))) * used
    around = worst + rng.uniform(0.02, 0.5, (part, 1)) * noise / np.sqrt(used.sum())
    mixed = worst + rng.uniform(0.1, 0.6, (part, 1)) * unit[rng.integers(n, size=part)]
    return np.vstack([near, -near, pairs, bound + 1e-9, noise, around, mixed, worst[None]])


def attacked(memory, seconds, before=0):
    """Return rows, starts led, those lost, the certificate and the attack.

    Args:
        memory: to attack.
        seconds: of processor time for starts.
        before: starts led by earlier runs; others follow.
    """
    n = len(memory)
    chosen = np.random.default_rng(0).permutation(n)[: 5 * ROWS]
    certificate = certify_recall(memory, chosen)
    good = np.flatnonzero(certificate.angle > 0)[:ROWS]
    rng = np.random.default_rng([0, before])
    if not len(good):
        return 0, 0, 0, certificate, None
    rows, angles = chosen[good], certificate.angle[good]
    begun = time.process_time()
    attack = attack_recall(memory, rows, directions=16, rounds=2)
    plan, span = memory.state_.plan(memory.state_.settings), memory.state_.span
    unit = plan.patterns / plan.norm
    used = np.abs(unit).max(axis=0) > 0
    ends = span.within(attack.start) / plan.norm
    votes = RecallChain(memory).votes
    tried = lost = 0
    while time.process_time() - begun < seconds and before + tried < len(rows) * MOST:
        starts, homes = [], []
        for row, angle, end in zip(rows, angles, ends, strict=True):
            rho = np.cos(np.maximum(np.arccos(np.clip(np.abs(unit @ unit[row]), 0, 1)) - angle, 0))
            weights = votes.height(np.asarray(rho, np.float32)) * votes.lengths
            u = directions(unit, row, end, weights / weights.max(), rng, BATCH // ROWS, used)
            u = u[rng.permutation(len(u))[: BATCH // ROWS]]
            inside = angle * rng.choice([0.999, 0.999, 0.9], (len(u), 1))
            starts.append(sphere_point(unit[row], u, inside))
            homes += [row] * len(u)
        found = lead(plan, plan.norm * np.vstack(starts))
        away = np.linalg.norm(found.state - plan.patterns[homes], axis=1)
        lost += int((away > 1e-3 * plan.norm).sum())
        tried += len(homes)
    return len(rows), tried, lost, certificate, attack


def mended(memory, rows, certificate, rng):
    """Return by share of the certified radius, and by kind, how many cues end elsewhere, of how many."""
    angle = certificate.radius_in_units
    chosen = np.flatnonzero(angle > 0)[:ROWS]
    out = {}
    if not len(chosen):
        return dict.fromkeys([(kind, share) for kind in KINDS for share in SHARES], (0, 0))
    for kind in KINDS:
        for share in SHARES:
            cues, homes = [], []
            for k in chosen:
                row = rows[certificate.rows[k]]
                size = share * angle[k] * np.linalg.norm(row - rows.mean(axis=0))
                if kind == "noise":
                    u = rng.normal(size=(2, len(row)))
                elif kind == "another row":
                    u = rows[rng.integers(len(rows), size=2)] - row + 1e-9
                else:
                    u = np.zeros((2, len(row)))
                    begin = rng.integers(len(row) // 2, size=2)
                    for one, b in zip(u, begin, strict=True):
                        one[b : b + len(row) // 3] = rows.mean() - row[b : b + len(row) // 3] + 1e-9
                cues.append(row + size * u / np.linalg.norm(u, axis=1, keepdims=True))
                homes += [certificate.rows[k]] * 2
            found = memory.recall(np.vstack(cues))
            out[kind, share] = int((found.pattern != np.array(homes)).sum()), len(homes)
    return out


def kept():
    """Return the rows of the table by what they are of."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    return {line.split(" | ")[0].lstrip("| "): line for line in lines if re.match(r"\| \d", line)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--fashion", required=True)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 100, 300, 1000])
    parser.add_argument("--only", nargs="+", help="patterns of the names of data")
    parser.add_argument("--more", action="store_true", help="add to the starts there are")
    args = parser.parse_args()
    found = kept()
    every = sources(args)
    for name, rows_of in every.items():
        if args.only and not any(re.search(word, name) for word in args.only):
            continue
        for n in args.sizes:
            key = f"{n:,} {name}"
            had = found[key].split(" | ") if args.more and key in found else None
            before, lost_before = (int(had[k].replace(",", "")) if had else 0 for k in (4, 5))
            rows = rows_of(n)
            memory = AttractorMemory().fit(rows)
            count, tried, lost, certificate, attack = attacked(memory, args.seconds, before)
            ratio = "–"
            if attack is not None:
                part = certificate.angle[np.isin(certificate.rows, attack.rows)]
                ratio = f"{np.median(part / attack.angle):.2f}"
            cues = mended(memory, rows, certificate, np.random.default_rng(1))
            told = ", ".join(
                " / ".join(str(cues[kind, share][0]) for share in SHARES)
                + f" of {cues[kind, 0.25][1]}"
                for kind in KINDS
            )
            found[key] = (
                f"| {key} | {count} | {np.median(certificate.radius):.3f} | {ratio} | "
                f"{before + tried:,} | {lost_before + lost} | {told} |"
            )
            print(found[key], flush=True)
            write(found, list(every))


def write(found, names):
    """Keep the table, by kind of data and number of rows."""

    def place(key):
        size, name = key.split(" ", 1)
        return names.index(name), int(size.replace(",", ""))

    lines = [HEAD, "|---" * 7 + "|", *(found[key] for key in sorted(found, key=place))]
    keep(
        "certified_attack",
        "# Attacks on certificates of recall\n\nCues at 0.25 / 0.5 / 0.75 / 0.999 of the certified radius.\n\n"
        + "\n".join(lines),
    )


if __name__ == "__main__":
    main()
