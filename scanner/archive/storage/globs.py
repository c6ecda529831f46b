"""Which names a glob stands for, and which are hidden."""

import fnmatch
import re
from typing import Final

_MAGIC: Final = re.compile(r"[*?\[]")
_NAME: Final = r"(?!\.)[^/]+"
_FOLDERS: Final = rf"(?:{_NAME}/)*"
PARQUET: Final = (".parquet",)
"""How the names of files in a folder end, unless a hunt says otherwise."""


def is_hidden(path: str) -> bool:
    """True where the last part of a name begins as temporary files and logs of table formats do.

    A partition's folder is not hidden, though the name of its column begins so: ``_date=2026-11-01``.
    """
    name = path.rpartition("/")[2]
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def is_data(path: str, endings: tuple[str, ...] = PARQUET) -> bool:
    """True for a file that belongs to the folder it is named below: its ending fits, and no part of it is hidden."""
    return path.lower().endswith(endings) and not any(map(is_hidden, path.split("/")))


def is_passed_over(path: str, endings: tuple[str, ...] = PARQUET) -> bool:
    """True for a file that is no data of a folder, and that people might take for it.

    Its ending is another, or its own name is hidden. What table formats and writers leave beside their data, hidden
    and with other endings, and all in hidden folders, is no file of an archive's.
    """
    folders, _, name = path.rpartition("/")
    if not name or any(map(is_hidden, folders.split("/"))):
        return False
    return is_hidden(name) == name.lower().endswith(endings)


def has_glob(name: str) -> bool:
    """True where a name holds a character with a meaning."""
    return _MAGIC.search(name) is not None


def literal_prefix(pattern: str) -> str:
    """What everything that a glob stands for begins with."""
    found = _MAGIC.search(pattern)
    return pattern[: found.start()] if found else pattern


class Glob:
    """A pattern over slash-separated names: ``*`` and ``?`` within a part, ``[…]``, and ``**`` over parts.

    As in a shell, ``*`` and ``**`` do not stand for names that begin with a dot.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(_translated(pattern.split("/")), re.DOTALL)

    def takes(self, key: str, endings: tuple[str, ...] = PARQUET) -> bool:
        """True where the glob names a file, or a folder that it lies below as data."""
        if self._names(key):
            return True
        borders = (place for place, letter in enumerate(key) if letter == "/")
        return any(self._names(key[:border]) and is_data(key[border + 1 :], endings) for border in borders)

    def _names(self, key: str) -> bool:
        # A name that ends in a slash is the mark that some tools leave for a folder.
        return not is_hidden(key) and not key.endswith("/") and self._pattern.fullmatch(key) is not None


def _translated(parts: list[str]) -> str:
    *folders, last = parts
    said = "".join(_FOLDERS if part == "**" else f"{_spelled(part)}/" for part in folders)
    return said + (f"{_FOLDERS}{_NAME}" if last == "**" else _spelled(last))


def _spelled(part: str) -> str:
    said = [r"(?!\.)"] if _MAGIC.match(part) else []
    place = 0
    while place < len(part):
        letter = part[place]
        end = _end_of_class(part, place) if letter == "[" else -1
        if letter == "*":
            said.append("[^/]*")
        elif letter == "?":
            said.append("[^/]")
        elif end > 0:
            said.append(_class(part[place : end + 1]))
            place = end
        else:
            said.append(re.escape(letter))
        place += 1
    return "".join(said)


def _end_of_class(part: str, start: int) -> int:
    """Where the class that begins there is closed; -1 where it is none: its first letter may be ``]``."""
    first = start + 2 if part.startswith("!", start + 1) else start + 1
    return part.find("]", first + 1)


def _class(written: str) -> str:
    regex = fnmatch.translate(written)
    return "(?!/)" + regex.removeprefix("(?s:").removesuffix(r")\Z")
