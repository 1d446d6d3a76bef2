"""A figure of certified recall: per row between what is proven, what is lost, and half way."""

import numpy as np
from matplotlib.figure import Figure

from attractory._util.texts import counted
from attractory.memory.certified_recall import RecallCertificate
from attractory.memory.recall_attack import RecallAttack
from attractory.plotting.style import BLUE, GREY, VERMILION, new_figure

__all__ = ["plot_certified_recall"]

_NAMED = 40  # rows below which each is named on the axis


def plot_certified_recall(
    certificate: RecallCertificate, attack: RecallAttack | None = None, *, title: str = ""
) -> Figure:
    """Show, row by row, the certified angle, the nearest lost start, and half way to the nearest.

    Args:
        certificate: as `certify_recall` returns it.
        attack: as `attack_recall` returns it, of the same rows; may be left out.
        title: the message of the figure; by default how many are certified, and how far.

    Raises:
        ValueError: if the two are not of the same rows.

    Example:
        >>> from attractory import AttractorMemory, certify_recall
        >>> memory = AttractorMemory(activation="erf", norm=30.0).fit(np.eye(4, 9))
        >>> plot_certified_recall(certify_recall(memory)).axes[0].get_ylabel()
        'angle from the row, in degrees'
    """
    if attack is not None and not np.array_equal(attack.rows, certificate.rows):
        raise ValueError(
            f"attack must be of the certificate's {counted(len(certificate.rows), 'row')}, got one "
            f"of {counted(len(attack.rows), 'row')}, not the same"
        )
    order = np.argsort(certificate.half_angle, kind="stable")
    place, half = np.arange(len(order)), np.degrees(certificate.half_angle[order])
    proven = np.degrees(certificate.angle[order])
    figure = new_figure(6.4, 4.2)
    axis = figure.subplots()
    axis.plot(
        place, half, "_", color="black", ms=9, label="half the angle to the nearest row or opposite"
    )
    if attack is not None:
        lost = np.degrees(np.where(np.isfinite(attack.angle), attack.angle, np.nan))[order]
        axis.vlines(place, proven, lost, color=GREY, lw=1, alpha=0.6)
        axis.plot(place, lost, "v", color=VERMILION, ms=6, mfc="none",
                  label="attacked: a start this far is lost")  # fmt: skip
    axis.plot(place, proven, "^", color=BLUE, ms=5, label="certified: every nearer start returns")
    axis.set(
        xlabel="stored row, by half the angle to the nearest",
        ylabel="angle from the row, in degrees",
    )
    low, high = axis.get_ylim()
    axis.set_ylim(min(low, -0.02 * high), 1.03 * high)
    if len(place) <= _NAMED:
        names = [str(k) for k in certificate.rows[order]]
        axis.set_xticks(place, names, fontsize=7, rotation=90 if len(names) > 20 else 0)
    else:
        axis.set_xticks([])
    axis.grid(axis="y", alpha=0.25)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    axis.set_title(title or _message(certificate, attack), fontsize=10)
    return figure


def _message(certificate: RecallCertificate, attack: RecallAttack | None) -> str:
    """Say how many rows are certified, and how far."""
    held = certificate.angle > 0
    found = f"{int(held.sum())} of {counted(len(held), 'row')} certified"
    if not held.any():
        return found
    far = f"{found}, to a median of {np.degrees(np.median(certificate.angle[held])):.1f}°"
    if attack is None or not np.isfinite(attack.angle[held]).any():
        return far
    held &= np.isfinite(attack.angle)
    ratio = np.median(certificate.angle[held] / attack.angle[held])
    return f"{far},\n{ratio:.0%} of the way to the nearest lost start found"
