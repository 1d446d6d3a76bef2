"""The tables that `benchmarks/` wrote, as pages: copied when the site is built, never by hand.

A page of ours links to `benchmarks/results/NAME.md` by its path in the repository; in the site the
link leads to the copy.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

REPOSITORY = Path(__file__).parents[2]
FOLDER = "reference/measured"
TITLES = {
    "attack": "Certificates under attack",
    "ablation": "What each part of a recall contributes",
    "dense_kernels": "Kernels of dense networks beside neural-tangents",
    "damage_held_out": "Damage that recall was not made on",
    "baselines": "Recall beside other memories and search",
    "basins": "Basins of stored digits",
    "card": "On a GPU",
    "compare": "Memories by published protocols",
    "certified_answers": "Certificates of answers",
    "certified_attack": "Certificates of recall under attack",
    "certified_hopfield": "Certificates of Hopfield networks",
    "certified_map": "Certificates of the map itself",
    "certified_network": "Certificates of networks beside auto_LiRPA",
    "certified_recall": "Certified recall",
    "large": "60,000 digits",
    "memory": "A memory that grows, a cycle, 10,000 digits",
    "recall_path": "Where recall loses its way",
    "solvers": "Which memory each solver reaches",
    "spectrum": "Spectra of trained networks",
    "sweep": "Sweeps that are killed",
    "theory": "The paper's statements on numbers",
    "training": "Training time",
    "width_limit": "How fast the limit is met",
}


def page(name: str, text: str) -> str:
    """Return a table's text as a page with one title and headings in order."""
    text = re.sub(r"^# .*\n+", "", text)  # a title of its own
    heads = re.findall(r"(?m)^(#+) ", text)
    up = min(map(len, heads), default=2) - 2
    text = re.sub(rf"(?m)^#{{{up}}}(?=#+ )", "", text) if up > 0 else text
    return f"# {TITLES[name]}\n\n{text}"


def overview(text: str) -> str:
    """Return the benchmarks' README as a page of the site."""
    text = text.replace("# Benchmarks\n", "# What each benchmark measured\n", 1)
    text = re.sub(r"\(results/(\w+\.md)", r"(\1", text)
    return re.sub(r"\(\.\./docs/", "(/", text)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _copy(app: Sphinx) -> None:
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    found = {path.stem: path for path in (REPOSITORY / "benchmarks/results").glob("*.md")}
    for name in sorted(found):
        _write(folder / f"{name}.md", page(name, found[name].read_text(encoding="utf-8")))
    readme = (REPOSITORY / "benchmarks/README.md").read_text(encoding="utf-8")
    _write(folder / "index.md", overview(readme))
    for path in folder.glob("*.md"):
        if path.stem not in {"index", *found}:
            path.unlink()


def _lead_here(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = re.sub(r"\((?:\.\./)+benchmarks/results/(\w+\.md)", rf"(/{FOLDER}/\1", source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Copy before pages are looked for; change links as they are read."""
    app.connect("config-inited", lambda app, config: _copy(app))
    app.connect("source-read", _lead_here)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
