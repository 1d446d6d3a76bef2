"""From slider to picture: how long the explorer takes, in Chromium, at 20 digits and others.

    python benchmarks/explorer.py            # prints medians and the slowest, in milliseconds
    python benchmarks/explorer.py --rounds 20

Each control is moved to values that it had before (warm) and to values that are new to the page:
what is compiled is warm, the memory is not. The time is from the event of the slider to the second
animation frame after recall, path and spectrum have changed.
"""

import argparse
import statistics
import subprocess
import sys

from playwright.sync_api import sync_playwright

MOVE = """([id, value]) => new Promise((done) => {
    const control = document.getElementById(id), before = document.body.dataset.shown;
    const begun = performance.now();
    control.value = value;
    control.dispatchEvent(new Event("input"));
    const look = () => {
        if (document.body.dataset.shown === before) return requestAnimationFrame(look);
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
    };
    look();
})"""
SHOWN = "Number(document.body.dataset.shown || 0)"


def timed(page, control, values):
    return [page.evaluate(MOVE, [control, str(value)]) for value in values]


def told(name, times):
    print(
        f"{name:<44} median {statistics.median(times):6.0f} ms   slowest {max(times):6.0f} ms   "
        f"of {len(times)}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "attractory", "explore", "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().split()[1]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=arguments.chromium, args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(address)
            page.wait_for_function(f"{SHOWN} > 0", timeout=120_000)
            measure(page, arguments.rounds)
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


def measure(page, rounds):
    page.click("[data-damage=bottom]")
    page.uncheck("#auto")
    page.wait_for_timeout(200)
    page.wait_for_function("document.getElementById('busy').textContent === ''", timeout=120_000)
    norms = list(range(30, 30 + rounds))
    timed(page, "norm", [29, 28, 27])
    told("norm, values new to the page", timed(page, "norm", norms))
    told("norm, values seen before", timed(page, "norm", norms[::-1]))
    page.check("#auto")
    page.wait_for_timeout(2000)
    depths = [2, 3, 4] * (rounds // 3)
    timed(page, "depth", [3, 4, 2])
    told("depth 2, 3, 4, seen before", timed(page, "depth", depths[1:]))
    timed(page, "depth", [2])
    counts = [*range(15, 15 + rounds)]
    timed(page, "n", [20, 14, 32])
    told("n from 15 on, values new to the page", timed(page, "n", counts))
    timed(page, "n", [20])
    activations = ["tanh", "erf", "arctan", "softsign", "sigmoid"]
    timed(page, "activation", activations)
    told("activation, seen before", timed(page, "activation", activations * 2))
    timed(page, "kind", ["plain", "memory"])
    told("recall plain and guided", timed(page, "kind", ["plain", "memory"] * (rounds // 2)))
    box = page.locator("#cue").bounding_box()
    strokes = []
    for k in range(rounds):
        before = page.evaluate(SHOWN)
        y = box["y"] + box["height"] * (0.2 + 0.6 * k / rounds)
        page.mouse.move(box["x"] + 20, y)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 20, y, steps=5)
        page.evaluate("window.begun = performance.now()")
        page.mouse.up()
        page.wait_for_function(f"{SHOWN} > {before}")
        strokes.append(page.evaluate("performance.now() - window.begun"))
    told("a stroke of the brush, from its end", strokes)


if __name__ == "__main__":
    main()
