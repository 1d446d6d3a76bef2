"""The explorer in Chromium, as a visitor meets it. One server and one browser serve all steps."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from commands import run

NAMES = "chromium", "chromium-browser", "google-chrome"
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# A large file is made in the page: to bring it there takes seconds.
HUGE = """name => {
  const held = new DataTransfer(), files = document.getElementById("files");
  held.items.add(new File([new Uint8Array(9 * 2 ** 20)], name));
  files.files = held.files;
  files.dispatchEvent(new Event("change"));
}"""
WAIT = 120_000  # ms; a busy machine takes its time


def need():
    pytest.importorskip("bokeh", reason="the extra explore is not installed")
    pytest.importorskip("playwright", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium was found on this machine")


class Visitor:
    """A page, and what it did."""

    def __init__(self, browser, address, width=420, height=700):
        self.page = browser.new_page()
        self.page.set_viewport_size({"width": width, "height": height})
        self.urls, self.troubles = [], []
        self.page.on("request", lambda request: self.urls.append(request.url))
        self.page.on("websocket", lambda socket: self.urls.append(socket.url))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", self.heard)
        self.page.goto(address)
        self.until("document.body.dataset.shown > 0")
        self.settled()

    def heard(self, message):
        # Chromium does not like how often the test looks at the pixels.
        if message.type in ("error", "warning") and "getImageData" not in message.text:
            self.troubles.append(message.text)

    def settled(self):
        """Wait until the page has sent what was drawn, and recall is over."""
        self.page.wait_for_timeout(150)
        self.until("document.getElementById('busy').textContent === ''")

    def until(self, holds):
        # Not at each frame, as is the default: a page that is looked at is drawn, by the CPU.
        self.page.wait_for_function(holds, timeout=WAIT, polling=50)

    def drag(self, *places):
        """Drag the mouse over the cue; places are shares of its width and height."""
        self.page.locator("#cue").scroll_into_view_if_needed()
        box = self.page.locator("#cue").bounding_box()
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=8)
        self.page.mouse.up()
        self.settled()

    def upload(self, *files):
        payload = [{"name": n, "mimeType": "", "buffer": content} for n, content in files]
        self.page.set_input_files("#files", payload)

    def text(self, name):
        return self.page.inner_text(f"#{name}")

    def pixels(self):
        """Return the cue as drawn: red of each pixel."""
        return self.page.evaluate(
            "() => { const c = document.getElementById('cue'); return [...c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data].filter((_, k) => k % 4 === 0); }"
        )


@pytest.fixture(scope="module")
def server():
    need()
    process = subprocess.Popen(
        [sys.executable, "-m", "attractory", "explore", "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # What is asked for must not depend on these.
        env={**os.environ, "BOKEH_RESOURCES": "cdn", "BOKEH_ALLOW_WS_ORIGIN": "*"},
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        yield process, re.search(r"http://127\.0\.0\.1:\d+/", line)[0]
    finally:
        process.kill()
        process.communicate()


def test_the_page_in_a_browser(server):
    process, address = server
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        first = Visitor(browser, address)
        a_cue_drawn_on_with_the_mouse_comes_back(first)
        the_keyboard_reaches_every_control_and_draws(first)
        second = Visitor(browser, address, width=1280)
        two_visitors_share_nothing(first, second)
        wrong_uploads_are_explained_and_change_nothing(second)
        files_become_patterns(second)
        nothing_came_from_elsewhere(address, first, second)
        other_origins_are_refused(address)
        ctrl_c_ends_it_cleanly(process, first)
        browser.close()


def a_cue_drawn_on_with_the_mouse_comes_back(visitor):
    page = visitor.page
    page.click("label:has(> input[aria-label='pattern 1: a 2'])")
    visitor.settled()
    before = visitor.pixels()
    page.select_option("#size", "9")
    visitor.drag((0.05, 0.75), (0.95, 0.75), (0.95, 0.9), (0.05, 0.9))
    after = visitor.pixels()
    assert sum(after[28 * 19 :]) < 0.1 * sum(before[28 * 19 :])
    assert after[: 28 * 14] == before[: 28 * 14]
    assert visitor.text("t-recall").startswith("Recalled as 1: a 2 in ")
    assert page.get_attribute("body", "data-ended") == "1"
    # What is drawn with the other brush is white.
    page.check("input[name=brush][value=high]")
    page.select_option("#size", "1")
    visitor.drag((0.5, 0.02), (0.9, 0.02))
    assert min(visitor.pixels()[14:25]) == 255
    page.click("#reset")
    visitor.settled()
    assert visitor.pixels() == before
    with page.expect_download(timeout=WAIT) as download:
        page.click("[data-export=script]")
    assert download.value.suggested_filename == "explored.py"
    # The page is as wide as the screen, and no wider.
    assert page.evaluate("document.documentElement.scrollWidth") == 420


def the_keyboard_reaches_every_control_and_draws(visitor):
    page = visitor.page
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('input, select, button, #cue')].filter((e) => !("
        "e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent).trim())"
        ".map((e) => e.outerHTML)"
    )
    assert unnamed == []
    page.focus("#n")
    page.keyboard.press("ArrowLeft")
    visitor.settled()
    assert page.input_value("#n") == page.inner_text("#n-out") == "19"
    assert page.is_disabled("input[aria-label='pattern 19: a 4']")
    page.keyboard.press("Tab")  # the norm is the rule's, and its slider is left out
    assert page.evaluate("document.activeElement.id") == "auto"
    page.focus("#cue")
    for key in ("ArrowUp", "ArrowUp", "Space"):
        page.keyboard.press(key)
    visitor.settled()
    page.focus("#reset")
    assert visitor.pixels()[12 * 28 + 14] == 255


def two_visitors_share_nothing(first, second):
    assert second.page.input_value("#n") == "20"
    assert first.page.input_value("#n") == "19"
    assert second.page.get_attribute("body", "data-ended") == "0"
    cue = first.pixels()
    second.page.click("#clear")
    second.settled()
    assert max(second.pixels()) == 0
    assert first.pixels() == cue


def wrong_uploads_are_explained_and_change_nothing(visitor):
    cue, count = visitor.pixels(), visitor.page.locator("#thumbnails label").count()
    for name, content, said in (
        ("words.csv", b"name,job\nAnn,smith\nBob,cook\n", "words.csv"),
        ("<img src=x onerror=alert(1)>.png", b"\x89PNG\r\n\x1a\nbroken", "damaged"),
        ("huge.png", None, "8.0 MiB"),
    ):
        if content is None:
            visitor.page.evaluate(HUGE, name)
        else:
            visitor.upload((name, content))
        visitor.page.wait_for_selector("#error:not([hidden])", timeout=WAIT)
        assert said in visitor.text("error")
        visitor.page.evaluate("document.getElementById('error').hidden = true")
    assert visitor.page.locator("#error img").count() == 0
    visitor.settled()
    assert visitor.pixels() == cue
    assert visitor.page.locator("#thumbnails label").count() == count == 200


def files_become_patterns(visitor):
    rows = "\n".join(",".join(str((i * j * j) % 7) for j in range(1, 13)) for i in range(1, 6))
    visitor.upload(("table.csv", rows.encode()))
    visitor.page.wait_for_selector("#note:not([hidden])", timeout=WAIT)
    assert "5 patterns read" in visitor.text("note")
    visitor.settled()
    assert visitor.page.locator("#thumbnails label").count() == 5
    assert "Recalled as 0: table.csv[0]" in visitor.text("t-recall")


def nothing_came_from_elsewhere(address, *visitors):
    host = address.removeprefix("http://").rstrip("/")
    for visitor in visitors:
        assert visitor.troubles == []
        assert visitor.urls
        assert {url.split("/")[2] for url in visitor.urls} == {host}


def other_origins_are_refused(address):
    for origin, expected in (("http://evil.example", 403), (address.rstrip("/"), 101)):
        host, port = address.split("/")[2].split(":")
        with socket.create_connection((host, int(port)), 30) as connection:
            request = (
                f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                f"Sec-WebSocket-Protocol: bokeh, none\r\nOrigin: {origin}\r\n\r\n"
            )
            connection.sendall(request.encode())
            answer = connection.recv(64).decode("latin-1")
        assert answer.split()[1] == str(expected), (origin, answer)
    # From another machine's side of this one there is nothing.
    for family, _, _, _, place in socket.getaddrinfo(socket.gethostname(), int(port)):
        if place[0] not in ("127.0.0.1", "::1"):
            with socket.socket(family) as outside:
                outside.settimeout(5)
                assert outside.connect_ex(place) != 0
    with urllib.request.urlopen(address) as page:
        assert b"cdn." not in page.read()


def ctrl_c_ends_it_cleanly(process, visitor):
    visitor.page.click("[data-damage=noise]")  # something is computed meanwhile
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.strip() == "explorer closed"
    assert err == ""
    visitor.page.wait_for_selector("#error:not([hidden])", timeout=WAIT)
    assert "has ended" in visitor.text("error")


def test_a_taken_port_is_an_error_and_so_are_files_of_no_use(capsys, tmp_path):
    pytest.importorskip("bokeh", reason="the extra explore is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run(capsys, "explore", "--no-browser", "--port", str(port))
    assert (code, out) == (2, "")
    assert err == f"attractory: --port must be free, got {port}, which is taken; name another\n"
    words = tmp_path / "words.csv"
    words.write_text("a,b\nc,d\n")
    code, out, err = run(capsys, "explore", "--no-browser", str(words), str(tmp_path / "no.png"))
    assert (code, out) == (2, "")
    assert "words.csv" in err
    assert "no.png does not exist" in err


def test_without_the_extra_the_command_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setattr("attractory.cli.explore.find_spec", lambda name: None)
    code, out, err = run(capsys, "explore")
    assert (code, out) == (2, "")
    assert err == "attractory: explore needs Bokeh; pip install 'attractory[explore]'\n"
