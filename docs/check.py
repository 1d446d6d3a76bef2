"""Check the built site: `python docs/check.py docs/_build/html [--browser PATH]`.

Without a browser: nothing is loaded from elsewhere, every link within the site leads somewhere,
every picture has a text in its place, every page has one first heading, no level is skipped. With
one (`pip install playwright`, and the path of a Chromium): no page is wider than a narrow or a
wide window, no script fails, contrast is enough, search finds. What is wrong is printed; status 1
if anything is.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

LOADED = {
    "script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src",
    "object": "data", "embed": "src",
}  # fmt: skip
NOT_LOADED = {"canonical", "prev", "next", "search", "index", "author", "license", "genindex"}


def pages(folder: Path) -> dict[Path, BeautifulSoup]:
    """Return every page of the site, parsed."""
    found = sorted(set(folder.rglob("*.html")) - set((folder / "_static").rglob("*")))
    # Without lists of classes, which take a tenth of the time.
    plain = {"features": "html.parser", "multi_valued_attributes": None}
    return {p: BeautifulSoup(p.read_text(encoding="utf-8"), **plain) for p in found}


@cache
def target_of(folder: Path, link: str) -> tuple[Path, bool]:
    """Return the file that a link in pages of a folder leads to, and whether it is there."""
    target = (folder / link).resolve()
    target = target / "index.html" if target.is_dir() else target
    return target, target.exists()


def from_elsewhere(page: BeautifulSoup) -> Iterator[str]:
    """Yield what a page would load from another host."""
    for name, attribute in LOADED.items():
        for tag in page.find_all(name):
            if name == "link" and NOT_LOADED & set(tag.get("rel", "").split()):
                continue
            where = tag.get(attribute, "")
            if urlsplit(where).netloc:
                yield f"loads {where}"


def broken_links(path: Path, page: BeautifulSoup, site: dict[Path, set[str]]) -> Iterator[str]:
    """Yield links that lead to no page or file of the site, or to no place on the page."""
    for tag in page.find_all("a", href=True):
        parts = urlsplit(tag["href"])
        if parts.scheme or parts.netloc:
            continue
        link = unquote(parts.path)
        target, there = target_of(path.parent, link) if link else (path, True)
        if not there:
            yield f"links to {tag['href']}, which is not there"
        elif parts.fragment and target in site and unquote(parts.fragment) not in site[target]:
            yield f"links to {tag['href']}: no such place on that page"


def outline(page: BeautifulSoup) -> Iterator[str]:
    """Yield what is wrong with headings and pictures."""
    main = page.find("main") or page
    first = main.find_all("h1")
    if len(first) != 1:
        yield f"{len(first)} first headings"
    inside = [int(tag.name[1]) for tag in main.find_all(["h1", "h2", "h3", "h4", "h5"])]
    for before, after in pairwise(inside):
        if after > before + 1:
            yield f"a heading of level {after} after one of level {before}"
    for image in page.find_all("img"):
        if not image.get("alt", "").strip():
            yield f"no text in place of {image.get('src')}"
    if page.html is None or not page.html.get("lang"):
        yield "no language"
    if page.title is None or not page.title.get_text().strip():
        yield "no title"


def faults(folder: Path) -> list[str]:
    """Return all that is wrong, as lines."""
    folder = folder.resolve()
    parsed = pages(folder)
    places = {p: {tag["id"] for tag in page.find_all(id=True)} for p, page in parsed.items()}
    return [
        f"{path.relative_to(folder)}: {fault}"
        for path, page in parsed.items()
        for fault in (*from_elsewhere(page), *broken_links(path, page, places), *outline(page))
    ]


def main() -> int:
    """Check, print, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--browser", help="path of a Chromium; pages are opened in it")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of them")
    arguments = parser.parse_args()
    found = faults(arguments.folder)
    if arguments.browser:
        from check_in_browser import faults_in_browser

        found += faults_in_browser(
            arguments.folder.resolve(), arguments.browser, arguments.pictures
        )
    print("\n".join(found))
    print(f"{len(list(arguments.folder.rglob('*.html')))} pages, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
