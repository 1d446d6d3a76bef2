"""What a browser says of the built site; `check.py --browser PATH` calls this.

Pages are opened from files, without any server, in a wide and a narrow window, light and dark.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

# One page of each kind.
KINDS = [
    "index.html", "install.html", "tutorials/index.html", "tutorials/plot_1_your_images.html",
    "gallery/index.html", "gallery/plot_04_basin_map.html", "howto/choose-memory.html",
    "explanation/recall.html", "explanation/theory/large-norm.html", "reference/api/index.html",
    "reference/api/analysis.html", "reference/api/generated/attractory.memory.AttractorMemory.html",
    "reference/errata.html", "reference/glossary.html", "reference/benchmarks.html",
    "reference/measured/baselines.html", "genindex.html", "search.html",
]  # fmt: skip
WINDOWS = {"wide": (1280, 900), "narrow": (420, 900)}

WIDER = "() => document.documentElement.scrollWidth - window.innerWidth"

# Texts whose contrast with what is behind them is below WCAG's AA: 4.5, of large text 3.
FAINT = """() => {
  const numbers = c => c.match(/[\\d.]+/g).map(Number);
  const parse = c => { const m = numbers(c); return [m[0], m[1], m[2], m[3] ?? 1]; };
  const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const over = (a, b) => [0, 1, 2].map(k => a[k] * a[3] + b[k] * (1 - a[3])).concat([1]);
  const behind = e => {
    const layers = [];
    for (; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((b, a) => over(a, b), [255, 255, 255, 1]);
  };
  const found = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const e = walker.currentNode.parentElement;
    if (!text || !e.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (!e.getClientRects().length) continue;
    const style = getComputedStyle(e), back = behind(e);
    const a = light(over(parse(style.color), back)), b = light(back);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    const what = `${ratio.toFixed(2)}: ${text.slice(0, 40)}`;
    if (ratio < least) found.set(`${e.tagName}.${e.className}`, what);
  }
  return [...found].map(([place, what]) => `${place} ${what}`);
}"""


def _of_page(page: Page, place: Path, heard: list[str]) -> Iterator[str]:
    heard.clear()
    page.goto(place.as_uri())
    page.wait_for_load_state("load")
    yield from heard
    if (wider := page.evaluate(WIDER)) > 0:
        yield f"wider than the window by {wider} pixels"
    for faint in page.evaluate(FAINT):
        yield f"contrast {faint}"


def _of_search(browser: Browser, folder: Path) -> Iterator[str]:
    page = browser.new_page()
    page.goto((folder / "search.html").as_uri() + "?q=certified")
    try:
        page.wait_for_selector("#search-results li a", timeout=20_000)
    except Exception:  # Playwright's own error of time
        yield "search.html: nothing found for 'certified'"
    page.close()


def faults_in_browser(folder: Path, chromium: str, pictures: Path | None = None) -> list[str]:
    """Open a page of each kind; keep pictures of them in a folder if one is given."""
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (width, height) in WINDOWS.items():
            for scheme in ("light", "dark"):
                settings: dict[str, Any] = {"color_scheme": scheme}
                context = browser.new_context(
                    viewport={"width": width, "height": height}, **settings
                )
                page = context.new_page()
                heard: list[str] = []
                page.on("console", lambda m, heard=heard: _keep(heard, m.type, m.text))
                page.on("pageerror", lambda e, heard=heard: heard.append(f"script: {e}"))
                page.on(
                    "request",
                    lambda r, heard=heard: (
                        None
                        if r.url.startswith(("file:", "data:", "blob:"))
                        else heard.append(f"asks for {r.url}")
                    ),
                )
                for kind in KINDS:
                    where = f"{kind} ({name}, {scheme})"
                    found += [f"{where}: {fault}" for fault in _of_page(page, folder / kind, heard)]
                    if pictures:
                        shot = f"{kind.removesuffix('.html').replace('/', '_')}-{name}-{scheme}.png"
                        page.screenshot(path=pictures / shot)
                context.close()
        found += _of_search(browser, folder)
        browser.close()
    return found


def _keep(heard: list[str], kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        heard.append(f"console {kind}: {text}")
