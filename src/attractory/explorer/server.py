"""The explorer's server: on this machine alone, a session for each page, until Ctrl-C.

It listens on 127.0.0.1. A page holds no data until it has opened a websocket, and only pages that
the server sent itself may: those of other origins are refused. All that a page loads comes from
here.
"""

import asyncio
import errno
import logging
import os
import signal
import sys
import threading
import warnings
import webbrowser
from collections.abc import Callable
from contextlib import suppress

from bokeh.application import Application
from bokeh.application.handlers import FunctionHandler
from bokeh.document import Document
from bokeh.server.server import Server
from bokeh.settings import settings
from tornado.ioloop import IOLoop

from attractory.explorer.app import THREADS, Page
from attractory.explorer.session import Memories, State, see
from attractory.explorer.sources import LIMITS

__all__ = ["serve"]

ADDRESS = "127.0.0.1"
FIRST = 5006  # port, if none is asked for; then the next that is free
_TRIED = 50
# Files arrive in base 64, a third larger, within one message.
_LARGEST_MESSAGE = 2 * LIMITS.total_bytes
_LIFETIME = 15_000  # ms that a session lives after its page is gone
_PATIENCE = 3.0  # seconds for what is being computed when the server ends


def serve(
    first: State,
    port: int | None,
    browser: bool,
    say: Callable[[str], object],
) -> None:
    """Serve the explorer until Ctrl-C.

    Args:
        first: what a page shows at first.
        port: None for the first that is free from 5006 on.
        browser: whether to open the page in the visitor's browser.
        say: prints a line.

    Raises:
        ValueError: if the port is taken.
    """
    # Whatever the environment says: nothing is loaded from elsewhere, no other origin is let in.
    settings.resources = "server"
    settings.allowed_ws_origin = []
    logging.getLogger("bokeh").setLevel(logging.ERROR)
    # What others send that is no page's own is refused; it is no fault of the explorer's.
    for name in ("bokeh.server.views.ws", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    loop = IOLoop(make_current=True)
    pages: list[Page] = []

    def modify(document: Document) -> None:
        page = Page(document, first)
        pages.append(page)

        def gone(context: object) -> None:
            page.close()
            pages.remove(page)

        document.on_session_destroyed(gone)

    server = _server(modify, port, loop)
    address = f"http://{ADDRESS}:{server.port}/"
    threading.Thread(target=_warm, args=(first,), daemon=True, name=f"{THREADS}: warming").start()
    say(f"explorer: {address} (Ctrl-C ends it)")
    sys.stdout.flush()  # whoever reads a pipe waits for the address
    if browser and not _open(address):
        say("no browser was found here; open the address yourself")
    _until_interrupted(loop)
    server.stop()
    for page in pages:
        page.close(_PATIENCE)
    say("explorer closed")
    # A thread within XLA, of a page that is gone perhaps, cannot be asked to end, and Python must
    # not end around it.
    if any(thread.name.startswith(THREADS) for thread in threading.enumerate()):
        sys.stdout.flush()
        os._exit(0)


def _server(modify: Callable[[Document], None], port: int | None, loop: IOLoop) -> Server:
    ports = [port] if port is not None else range(FIRST, FIRST + _TRIED)
    for tried in ports:
        hosts = [f"{ADDRESS}:{tried}", f"localhost:{tried}"]
        try:
            server = Server(
                {"/": Application(FunctionHandler(modify))}, io_loop=loop, port=tried,
                address=ADDRESS, allow_websocket_origin=hosts,
                check_unused_sessions_milliseconds=5000,
                unused_session_lifetime_milliseconds=_LIFETIME,
                websocket_max_message_size=_LARGEST_MESSAGE,
            )  # fmt: skip
        except OSError as error:
            if error.errno == errno.EACCES:
                raise ValueError(f"--port must be one that may be used, got {tried}") from None
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        server.start()
        return server
    if port is not None:
        raise ValueError(f"--port must be free, got {port}, which is taken; name another")
    raise ValueError(f"--port must be given: none from {FIRST} to {FIRST + _TRIED - 1} is free")


def _until_interrupted(loop: IOLoop) -> None:
    """Run the loop until Ctrl-C or a request to terminate."""
    inner: asyncio.AbstractEventLoop = loop.asyncio_loop  # pyright: ignore[reportAttributeAccessIssue]
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, ValueError):  # Windows: KeyboardInterrupt
            inner.add_signal_handler(number, loop.stop)
    with suppress(KeyboardInterrupt):
        loop.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, ValueError):
            inner.remove_signal_handler(number)


def _open(address: str) -> bool:
    """Open a page; return whether there is a browser for it."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False


def _warm(state: State) -> None:
    """Compile what the first page will need, while it is being loaded."""
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        see(state, Memories())
