"""One signature of a document: what stands in it, where, and what has been found wrong with it."""

import re
from pathlib import Path as FilePath

from scanner.errors import Problem
from scanner.signatures.source import Document, Mark, Path, Value


class Entry:
    """A signature as written. Paths are those below it.

    Attributes:
        value: The keys of the signature; empty where it is no map.
        file: Path of the file as the user named it.
        subject: Its id where it has one, else its number.
    """

    def __init__(self, document: Document, index: int, file: str) -> None:
        """Takes the findings of the document that lie in this signature."""
        self._document = document
        self._prefix: Path = ("signatures", index)
        found = _item(document.value, index)
        self.value: dict[str, Value] = found if isinstance(found, dict) else {}
        self.file = file
        self.subject = _subject(self.value, index)
        self._wrong: set[Path] = set()
        self._problems: list[tuple[int, Problem]] = []
        for finding in document.findings:
            if finding.path[:2] == self._prefix:
                self._wrong.add(finding.path[2:])
                self._add(finding.line, finding.message)

    @property
    def folder(self) -> FilePath:
        """The folder of the file."""
        return FilePath(self.file).parent

    def problems(self) -> list[Problem]:
        """Everything that is wrong, in the order of the lines."""
        return [problem for _, problem in sorted(self._problems, key=lambda found: found[0])]

    def report(self, path: Path, message: str) -> None:
        """Records what is wrong at a place, unless something is known to be wrong there."""
        if path not in self._wrong:
            self._wrong.add(path)
            self._add(self.mark(path).line, message)

    def report_elsewhere(self, path: Path, problems: list[Problem]) -> None:
        """Records what is wrong in another file that stands at a place of this one."""
        line = self.mark(path).line
        self._problems += [(line, problem) for problem in problems]

    def mark(self, path: Path) -> Mark:
        """How the value at a path was written."""
        return self._document.mark((*self._prefix, *path))

    def has(self, path: Path) -> bool:
        """Tells whether something was written at a path, be it right or wrong."""
        return path in self._wrong or (*self._prefix, *path) in self._document.marks

    def is_wrong(self, path: Path) -> bool:
        """Tells whether the value at a path, or one around it, is unusable."""
        return any(path[:length] in self._wrong for length in range(len(path) + 1))

    def names(self) -> tuple[str, ...]:
        """The names under ``patterns``, right or wrong, in their order."""
        written = self.value.get("patterns")
        dropped = [str(path[1]) for path in self._wrong if len(path) == 2 and path[0] == "patterns"]  # noqa: PLR2004
        return tuple(dict.fromkeys([*(written if isinstance(written, dict) else ()), *sorted(dropped)]))

    def _add(self, line: int, message: str) -> None:
        self._problems.append((line, Problem(self.file, line, self.subject, message)))


def _item(value: Value | None, index: int) -> Value | None:
    items = value.get("signatures") if isinstance(value, dict) else None
    return items[index] if isinstance(items, list) else None


def _subject(value: dict[str, Value], index: int) -> str:
    written = value.get("id")
    if isinstance(written, str) and re.fullmatch(r"[A-Za-z0-9._-]{1,128}", written):
        return written
    return f"signature {index + 1}"
