"""What this program worked out once and may use again: compiled databases, verdicts on engines.

An entry is named by a digest of all it depends on, and carries a digest of its bytes; one that does not fit is as
good as none. Only this program writes here, the folder is the user's own, and no content that is hunted is in it.
"""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

FOLDER_VARIABLE: Final = "HINDCAST_CACHE"
"""Environment variable that names another folder; empty for no cache at all."""

MAX_BYTES: Final = 2 << 30
"""What all entries together may take; beyond it, those go that were used least lately."""

_LARGE_BYTES: Final = 1 << 20
"""Whoever stores an entry of this size looks what all of them take."""

_DIGEST_BYTES: Final = 32


def folder() -> Path | None:
    """Where entries lie; None where there is no cache."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named is not None:
        return Path(named) if named else None
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "hindcast"


def key(*parts: bytes | str) -> str:
    """A name for an entry that depends on these parts, and on their order."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def load(name: str) -> bytes | None:
    """The bytes stored under a name; None where there are none, or damaged ones."""
    home = folder()
    if home is None:
        return None
    try:
        data = (home / name).read_bytes()
    except OSError:
        return None
    with contextlib.suppress(OSError):
        os.utime(home / name)
    digest, body = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return body if hashlib.sha256(body).digest() == digest else None


def store(name: str, body: bytes) -> None:
    """Keeps bytes under a name. A cache that cannot be written is no error: the work is done again next time."""
    home = folder()
    if home is None:
        return
    with contextlib.suppress(OSError):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home, prefix=".", delete=False) as draft:
            try:
                draft.write(hashlib.sha256(body).digest() + body)
                draft.close()
                Path(draft.name).replace(home / name)
            except OSError:
                Path(draft.name).unlink(missing_ok=True)
                raise
        if len(body) >= _LARGE_BYTES:
            _trim(home, name)


def _trim(home: Path, newest: str) -> None:
    """Removes what was not used for the longest time; others may do the same at the same time."""
    entries = [(path.stat(), path) for path in home.iterdir() if path.name != newest]
    total = (home / newest).stat().st_size + sum(status.st_size for status, _ in entries)
    for status, path in sorted(entries, key=lambda entry: entry[0].st_mtime):
        if total <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= status.st_size
