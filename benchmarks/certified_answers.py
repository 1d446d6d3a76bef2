"""Answers that carry a certificate of their own, and how it tells right from wrong beside the confidence.

    python benchmarks/certified_answers.py --data FOLDER [--sizes 100 300 1000] [--cues 60] [--hard]

Default memories of MNIST digits, the corruptions of docs/explanation/recall.md, or with --hard those by which
two fifths are lost. The area under the ROC curve is that of
right against wrong answers, all kinds together: by the certified angle, and by `confidence`.
"""

# ruff: noqa: E501

import argparse
import time

import numpy as np
from _cues import FURTHER, HEADLINE, cues
from _results import keep
from sklearn.metrics import roc_auc_score

from attractory import AttractorMemory, certify_recall
from attractory.datasets import mnist


def hard(digits, rows):
    """Yield the name of a corruption that loses many rows, and the cues."""
    some, rng = digits[rows], np.random.default_rng(0)
    top = some.max()
    size = np.linalg.norm(some - digits.mean(axis=0), axis=1, keepdims=True)
    for times in (4, 7):
        noise = rng.normal(size=some.shape)
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        yield f"noise {times}", some + times * size * noise
    for share in (0.75, 0.85):
        struck = rng.random(some.shape) < share
        yield f"salt-and-pepper {share}", np.where(struck, rng.choice([0, top], some.shape), some)
    images = some.reshape(-1, 28, 28)
    without_top, aside = images.copy(), np.roll(images, 2, 2)
    without_top[:, :18] = 0
    aside[:, 14:] = 0
    yield "top two thirds", without_top.reshape(len(some), -1)
    yield "shift by 3", np.roll(images, (3, 3), (1, 2)).reshape(len(some), -1)
    yield "shift by 2, bottom half", aside.reshape(len(some), -1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--cues", type=int, default=60)
    parser.add_argument("--hard", action="store_true")
    args = parser.parse_args()
    digits = mnist(args.data, "test", max(args.sizes))[0]
    lines = [
        "| rows | cues | right | right ones certified | wrong ones certified | median angle of right ones | a cue |",
        "|---" * 7 + "|",
    ]
    for n in args.sizes:
        memory = AttractorMemory().fit(digits[:n])
        rows = np.unique(np.linspace(0, n - 1, args.cues).astype(int))
        rights, angles, sure = [], [], []
        usual = ((kind, cues(digits[:n], (28, 28), kind)[rows]) for kind in HEADLINE + FURTHER)
        for kind, made in hard(digits[:n], rows) if args.hard else usual:
            found = memory.recall(made)
            begun = time.process_time()
            certificate = certify_recall(memory, cues=made)
            took = (time.process_time() - begun) / len(made)
            right = found.pattern == rows
            positive = certificate.angle > 0
            wrong = f"{positive[~right].mean():.2f} of {(~right).sum()}" if (~right).any() else "–"
            lines.append(
                f"| {n:,} | {kind} | {right.mean():.2f} | {positive[right].mean():.2f} | {wrong} | "
                f"{np.degrees(np.median(certificate.angle[right])):.0f}° | {1e3 * took:.0f} ms |"
            )
            print(lines[-1], flush=True)
            rights.append(right)
            angles.append(certificate.angle)
            sure.append(found.confidence)
        right, angle, confidence = map(np.concatenate, (rights, angles, sure))
        if 0 < right.sum() < len(right):
            lines.append(
                f"| {n:,} | all | {right.mean():.2f} | {(angle[right] > 0).mean():.2f} | {(angle[~right] > 0).mean():.2f} of {(~right).sum()} | "
                f"area under ROC: certified angle {roc_auc_score(right, angle):.3f}, confidence {roc_auc_score(right, confidence):.3f} | |"
            )
            print(lines[-1], flush=True)
    keep(
        "certified_answers" + "_hard" * args.hard,
        "# Certificates of answers\n\n" + "\n".join(lines),
    )


if __name__ == "__main__":
    main()
