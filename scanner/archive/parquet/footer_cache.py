"""Footers that were read before, on disk: the next hunt need not read them again, nor need this one's workers.

A footer tells the least and the greatest value of columns, so the file is readable by its owner alone. Nothing here
is ever the reason that a hunt fails: what cannot be kept is read from the archive again.
"""

import contextlib
import hashlib
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any, Final

from scanner import cache
from scanner.archive.storage import FileInfo

MAX_BYTES: Final = 4 << 30
"""What all footers together may take. Beyond it no more are kept, and the next time the oldest go."""

_NAME: Final = "footers.sqlite"
_PRIVATE: Final = ""
"""SQLite's name for a database on disk that goes away when it is closed."""

_PUTS_A_COMMIT: Final = 200
"""Others that use the cache wait for no more than this."""

_WAIT_S: Final = 5.0
_DIGEST_BYTES: Final = 32


class FooterCache:
    """Footers by file and version. Threads may share one.

    Args:
        path: The database, which others may use at the same time; None for one that ends with this object.
        max_bytes: What it may take.
    """

    def __init__(self, path: Path | None = None, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._puts = 0
        self._full = False
        self._database = _opened(path, max_bytes)

    def get(self, info: FileInfo) -> bytes | None:
        """The footer of this version of a file; None where it is not known, or damaged."""
        key = _key(info)
        body = self._one("SELECT CAST(body AS BLOB) FROM footers WHERE key = ?", key)
        if not isinstance(body, bytes):
            return None
        digest, footer = body[:_DIGEST_BYTES], body[_DIGEST_BYTES:]
        return footer if digest == _digest(key, footer) else None

    def put(self, info: FileInfo, footer: bytes) -> None:
        """Keeps a footer, unless there is no more room."""
        if self._full:
            return
        key = _key(info)
        body = _digest(key, footer) + footer
        with self._lock:
            self._one("INSERT OR REPLACE INTO footers (key, body) VALUES (?, ?)", key, body)
            self._puts += 1
            if self._puts % _PUTS_A_COMMIT == 0:
                self.flush()
                self._full = self._database is not None and _size_bytes(self._database) > self._max_bytes

    def flush(self) -> None:
        """Makes what was put visible to others."""
        with self._lock:
            if self._database is not None:
                try:
                    self._database.commit()
                except sqlite3.Error:
                    self._give_up()

    def close(self) -> None:
        """Gives the database back; nothing is known from then on. Does nothing the second time."""
        with self._lock:
            self.flush()
            self._give_up()

    def _one(self, statement: str, *values: bytes) -> Any:
        """The first value that a statement answers; None where there is none, or no database any more."""
        with self._lock:
            if self._database is None:
                return None
            try:
                row = self._database.execute(statement, values).fetchone()
            except sqlite3.Error:
                self._give_up()
                return None
            return None if row is None else row[0]

    def _give_up(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def footer_cache() -> FooterCache:
    """The user's own; where there is to be no cache on disk, one that ends with this process."""
    folder = cache.folder()
    return FooterCache(None if folder is None else folder / _NAME)


def _opened(path: Path | None, max_bytes: int) -> sqlite3.Connection | None:
    """A database that works; one that is damaged is begun anew."""
    if path is None:
        return _connected(_PRIVATE, max_bytes)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError:
        return _connected(_PRIVATE, max_bytes)
    try:
        return _connected(str(path), max_bytes)
    except sqlite3.OperationalError:
        return _connected(_PRIVATE, max_bytes)
    except sqlite3.DatabaseError:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return _opened(path, max_bytes)


def _connected(name: str, max_bytes: int) -> sqlite3.Connection:
    database = sqlite3.connect(name, timeout=_WAIT_S, check_same_thread=False)
    try:
        # It is a cache: what a power cut damages is begun anew.
        database.execute("PRAGMA synchronous = OFF")
        database.execute(
            "CREATE TABLE IF NOT EXISTS footers (id INTEGER PRIMARY KEY, key BLOB UNIQUE, body BLOB)"
        )
        if _size_bytes(database) > max_bytes:
            newest = (
                "SELECT id FROM footers ORDER BY id DESC LIMIT 1 OFFSET (SELECT count(*) / 2 FROM footers)"
            )
            database.execute(f"DELETE FROM footers WHERE id <= ({newest})")  # noqa: S608 - no value in it
            database.commit()
            database.execute("VACUUM")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _size_bytes(database: sqlite3.Connection) -> int:
    pages, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages) * int(size)


def _key(info: FileInfo) -> bytes:
    return bytes.fromhex(cache.key(info.uri, info.etag, str(info.size_bytes)))


def _digest(key: bytes, footer: bytes) -> bytes:
    return hashlib.sha256(key + footer).digest()
