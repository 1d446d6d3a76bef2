"""The store of a sweep: one SQLite file in a folder, which one process writes as cells end.

SQLite's rollback journal, synced to disk with every write, survives SIGKILL, a power cut and a full
disk; the write-ahead log would too, but not on the network file systems of clusters. The process
that writes holds a lock on `cells.lock`, which the system releases when the process ends.
"""

import hashlib
import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attractory.sweeps.values import Encoded

__all__ = ["FILE_NAME", "Reply", "Store", "Stored", "SweepError", "read_store"]

FILE_NAME = "cells.sqlite"
_LOCK_NAME = "cells.lock"
_APPLICATION = 0x41545357  # "ATSW"
_FORMAT = 1
Reply = dict[str, Any]  # "values", "error" and "seconds", as a worker sends them
Stored = dict[str, Any]  # the same with "settings", as JSON

_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cells (
    key TEXT PRIMARY KEY, version TEXT NOT NULL, settings TEXT NOT NULL, error TEXT,
    seconds REAL NOT NULL, stored REAL NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE results (
    key TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    content BLOB NOT NULL, PRIMARY KEY (key, place)
);
"""


class SweepError(RuntimeError):
    """A sweep cannot begin or go on; the message says why, and what is kept.

    The store is damaged or in use, the disk is full, the scheduler was lost, or workers cannot run
    the function.

    Example:
        >>> import tempfile
        >>> from attractory.sweeps import open_sweep
        >>> folder = Path(tempfile.mkdtemp())
        >>> size = (folder / "cells.sqlite").write_text("no such thing")
        >>> try:
        ...     open_sweep(folder)
        ... except SweepError as error:
        ...     print(str(error).replace(str(folder), "folder"))
        folder/cells.sqlite is no store of a sweep, or damaged: file is not a database
    """


class Store:
    """The cells in a folder, open for writing; a context manager that closes the file.

    Attributes:
        out: the folder.
        path: the file.
        version: of the code whose cells are read and written.

    Raises:
        ValueError: if the folder cannot be written, or holds cells of another function or version.
        SweepError: if the file is damaged or no store, or another process writes to it.
    """

    def __init__(self, out: Path, function: str, version: str, new_version: bool = False) -> None:
        """Open the store of a function, or make it."""
        self.out, self.path, self.version = out, out / FILE_NAME, version
        self._lock = _take_lock(out)
        try:
            with _explained(self.path):
                self._connection = _connect(self.path, "rwc")
                self._prepare(function, new_version)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and release the lock."""
        with suppress(AttributeError, sqlite3.Error):
            self._connection.close()
        os.close(self._lock)

    def _prepare(self, function: str, new_version: bool) -> None:
        connection = self._connection
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        if _is_new(connection):
            about = {"function": function, "version": self.version}
            statements = "".join(
                f"INSERT INTO about VALUES ({_quoted(k)}, {_quoted(v)});" for k, v in about.items()
            )
            connection.executescript(
                f"BEGIN IMMEDIATE; PRAGMA application_id = {_APPLICATION}; "
                f"PRAGMA user_version = {_FORMAT}; {_TABLES} {statements} COMMIT;"
            )
            return
        about = _check(connection, self.path, whole=True)
        if about["function"] != function:
            raise ValueError(
                f"out must be a folder of its own for each function, got {self.out}, which holds "
                f"cells of {about['function']}, not of {function}; name another"
            )
        if about["version"] == self.version:
            return
        if not new_version:
            raise ValueError(
                f"out must hold cells of this code version, {self.version}, got {self.out}, which "
                f"belongs to version {about['version']}; name another folder, or keep its cells "
                "beside new ones with new_version=True (--new-version), or take them for valid "
                f"with version={about['version']!r} (--code-version {about['version']})"
            )
        with connection:
            connection.execute("UPDATE about SET value = ? WHERE name = 'version'", (self.version,))

    def read(self) -> dict[str, Stored]:
        """Return the cells of this version by key, as `put` took them."""
        with _explained(self.path):
            return _read(self._connection, self.path, self.version)

    def put(self, cells: Sequence[tuple[str, str, Reply]]) -> None:
        """Store key, settings and reply of cells; all are on disk when this returns, or none.

        Cells that are stored already are replaced.
        """
        with _explained(self.path), self._transaction() as connection:
            for key, settings, reply in cells:
                error = None if reply["error"] is None else json.dumps(reply["error"])
                values = reply["values"] or []
                row = (
                    key, self.version, settings, error, reply["seconds"], time.time(),
                    _digest(settings, error, values),
                )  # fmt: skip
                connection.execute("DELETE FROM results WHERE key = ?", (key,))
                connection.execute("REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                connection.executemany(
                    "INSERT INTO results VALUES (?, ?, ?, ?, ?)",
                    [(key, place, *value) for place, value in enumerate(values)],
                )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk may have rolled back by itself
                self._connection.execute("ROLLBACK")
            raise


def read_store(out: Path) -> tuple[dict[str, str], dict[str, Stored]]:
    """Return function and version of a store, and its cells by key, without writing."""
    path = out / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(f"there is no sweep in {out} (no file {FILE_NAME})")
    with _explained(path):
        # Opened for writing: what a killed writer left half-done must be rolled back first.
        connection = _connect(path, "rw")
        try:
            if _is_new(connection):
                raise FileNotFoundError(f"there is no sweep in {out} ({FILE_NAME} is empty)")
            about = _check(connection, path)
            return about, _read(connection, path, about["version"])
        finally:
            connection.close()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=10, isolation_level=None
    )


def _is_new(connection: sqlite3.Connection) -> bool:
    (count,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    return count == 0


def _check(connection: sqlite3.Connection, path: Path, whole: bool = False) -> dict[str, str]:
    """Return function and version of a store; `whole` checks every page of the file."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise SweepError(f"{path} is no store of a sweep, but a database of something else")
    if version > _FORMAT:
        raise SweepError(f"{path} was written by a newer attractory; upgrade attractory")
    if whole:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
    about = dict(connection.execute("SELECT name, value FROM about"))
    if about.keys() < {"function", "version"}:
        raise sqlite3.DatabaseError("it does not say which function it is of")
    return about


def _read(connection: sqlite3.Connection, path: Path, version: str) -> dict[str, Stored]:
    cells: dict[str, Stored] = {}
    rows = connection.execute(
        "SELECT key, settings, error, seconds, digest FROM cells WHERE version = ? "
        "ORDER BY stored, key",
        (version,),
    )
    digests = {}
    for key, settings, error, seconds, digest in rows:
        cells[key] = {"settings": settings, "error": error, "seconds": seconds, "values": []}
        digests[key] = digest
    for key, *value in connection.execute(
        "SELECT key, name, kind, content FROM results ORDER BY key, place"
    ):
        if key in cells:
            cells[key]["values"].append(tuple(value))
    for key, cell in cells.items():
        if _digest(cell["settings"], cell["error"], cell["values"]) != digests[key]:
            raise SweepError(f"{path} is damaged: cell {cell['settings']} is not as it was stored")
        if cell["error"] is not None:
            cell["error"], cell["values"] = json.loads(cell["error"]), None
    return cells


def _digest(settings: str, error: str | None, values: Encoded) -> str:
    digest = hashlib.sha256(repr((settings, error)).encode())
    for name, kind, content in values:
        digest.update(repr((name, kind, len(content))).encode())
        digest.update(content if isinstance(content, bytes) else repr(content).encode())
    return digest.hexdigest()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a SweepError of one line."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text:
            raise SweepError(f"{path} is held by another program: {text}; close it") from None
        if "full" in text or "disk I/O" in text:
            raise SweepError(
                f"{path} cannot grow: {text}; what was stored before is kept: make room, and run "
                "the same sweep again to go on"
            ) from None
        raise SweepError(f"{path} cannot be written: {text}") from None
    except sqlite3.DatabaseError as error:
        text = " ".join(str(error).split())
        raise SweepError(f"{path} is no store of a sweep, or damaged: {text}") from None


def _take_lock(out: Path) -> int:
    """Return a descriptor that holds the lock; the folder is made if it does not exist."""
    import fcntl

    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = os.open(out / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(f"out must be a folder that can be written, got {out}: {reason}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(lock, 200).decode(errors="replace").strip() or "another process"
        os.close(lock)
        if not isinstance(error, BlockingIOError):
            raise ValueError(
                f"out must be on a file system with locks, got {out}: {error.strerror}"
            ) from None
        raise SweepError(
            f"{out} is being written by {holder}; wait for it, or name another folder"
        ) from None
    with suppress(OSError):  # on a full disk the message for others is poorer
        os.ftruncate(lock, 0)
        os.write(lock, f"process {os.getpid()} on {socket.gethostname()}".encode())
    return lock
