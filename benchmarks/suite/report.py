"""Results as a page and a picture."""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs/reference"
_GAP = "\N{NO-BREAK SPACE}"  # between a number and its unit, in narrow columns


def failing(row):
    """Return the targets that a row misses, as text."""
    return [
        f"{row['ratios'][name]:.2f} of the {name} (target {most:g})"
        for name, most in row["targets"].items()
        if name in row["ratios"] and row["ratios"][name] > most
    ]


def page(results):
    """Return the text of docs/reference/benchmarks.md."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `python -m benchmarks`, which times each call and what it is compared with in",
        "turn, round by round, in one process (peers in one of their own). Times are medians of",
        "warm calls, ratios those of medians; cold is the first call, compilation included. The",
        "floor is what the mathematics cannot do without, by BLAS and LAPACK: for kernels the",
        "product XXᵀ, for storing XXᵀ and a Cholesky factorisation, for recall its two products.",
        "Peers: neural-tangents 0.6.5 (kernels), PyTorch 2.13 (a modern Hopfield step, jacrev and",
        "eigvals, training by Adam at rate 0.1). Points of dim 784 and norm 150 on a sphere where",
        "nothing else is said; float64, networks float32.",
        "",
        "| group | what | size | warm | cold | floor | peer | target |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in results["rows"]:
        ratios = row["ratios"]
        compared = [f"{ratios[k]:.2f}{_GAP}×" if k in ratios else "" for k in ("floor", "peer")]
        if "other" in ratios:
            compared[1] = f"erf: {ratios['other']:.2f}{_GAP}×"
        targets = " and ".join(f"{v:g} × {k}" for k, v in row["targets"].items())
        verdict = f"{targets}: {'missed' if failing(row) else 'met'}" if targets else ""
        lines.append(
            f"| {row['group']} | {row['name']} | {row['along']} = {row['size']:,} "
            f"| {_time(row['times']['ours']['warm'])} | {_time(row['times']['ours']['cold'])} "
            f"| {' | '.join(compared)} | {verdict} |"
        )
    lines += [
        "",
        "## Growth",
        "",
        "| what | along | exponent | the mathematics |",
        "|---|---|---|---|",
    ]
    for item in results["growth"]:
        low, high = item["interval"]
        # One degree of freedom gives an interval that says nothing.
        few = len(item["sizes"]) < 4
        sure = f"({len(item['sizes'])} sizes)" if few else f"[{low:.2f}, {high:.2f}]"
        lines.append(
            f"| {item['name']} | {item['along']} | {item['exponent']:.2f} {sure} "
            f"| {item['most']:g} |"
        )
    lines.append("")
    for n, peak in results["peak"]:
        lines.append(
            f"Storing {n:,} patterns adds {peak / 2**30:.2f} GiB to the process's peak, "
            f"{peak / (8 * n * n):.2f} times the matrix (target 1.3)."
        )
    missed = [f"{row['name']}, {row['along']} = {row['size']:,}: {', '.join(failing(row))}"
              for row in results["rows"] if failing(row)]  # fmt: skip
    lines += ["", "Targets missed: " + ("; ".join(missed) if missed else "none") + ".", ""]
    lines += ["![Ratios to the floor, and growth](benchmarks.png)", "", results["machine"]]
    return "\n".join(lines) + "\n"


def _time(seconds):
    return f"{seconds:.2f}{_GAP}s" if seconds >= 1 else f"{1e3 * seconds:.3g}{_GAP}ms"


def picture(results, path=None):
    """Draw the ratios to the floors, and the times against the sizes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [row for row in results["rows"] if "floor" in row["ratios"] and row["largest"]]
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 6))
    names = [f"{row['name']}\n{row['along']} = {row['size']:,}" for row in rows]
    values = [row["ratios"]["floor"] for row in rows]
    left.barh(names, values, color="#0072B2")
    for k, row in enumerate(rows):
        beyond = max(values[k], row["targets"].get("floor", 0))
        left.text(
            beyond, k, f"  {values[k]:,.{2 if values[k] < 100 else 0}f}", va="center", fontsize=8
        )
        if "floor" in row["targets"]:
            left.plot(2 * [row["targets"]["floor"]], [k - 0.4, k + 0.4], color="#D55E00", lw=2)
    left.axvline(1, color="black", lw=1)
    left.invert_yaxis()
    left.tick_params(axis="y", labelsize=8)
    left.set(xscale="log", xlim=(0.5, 6 * max(values)),
             xlabel="times the floor (orange line: target)",
             title="Time beside the bare matrix operations")  # fmt: skip
    styles = ("o-", "s--", "^-.", "D:", "v-", "P--", "X-.", "*:")
    colors = (
        "#0072B2",
        "#D55E00",
        "#009E73",
        "#CC79A7",
        "#56B4E9",
        "#E69F00",
        "#000000",
        "#7F7F7F",
    )
    for item, style, color in zip(results["growth"], styles, colors, strict=False):
        label = f"{item['name']} ({item['along']}): {item['exponent']:.1f}, of {item['most']:g}"
        right.plot(item["sizes"], item["times"], style, color=color, label=label)
    right.set(xscale="log", yscale="log", xlabel="size", ylabel="seconds",
              title="Growth: exponent, and that of the mathematics")  # fmt: skip
    right.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)
    right.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path or DOCS / "benchmarks.png", dpi=110)
    plt.close(figure)
