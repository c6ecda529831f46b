"""Files of literals, one a line, that a pattern's ``list:`` names."""

import os
from pathlib import Path

from scanner.errors import Problem
from scanner.signatures.syntax import MAX_LITERAL_CHARS

MAX_LIST_BYTES = 64_000_000


class ListError(Exception):
    """A list cannot be read.

    Attributes:
        message: What is wrong and what to write instead; for the line that names the list.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def read_list(name: str, folder: Path, subject: str) -> tuple[tuple[str, ...], list[Problem]]:
    """Reads a list of literals.

    Lines are trimmed; empty ones, and those that begin with ``#``, are left out.

    Args:
        name: The path as written, in the folder of the signatures file or below it.
        folder: The folder of the signatures file.
        subject: Id of the signature, for the problems.

    Returns:
        The literals, unique, in the order of the file; and what is wrong with single lines.

    Raises:
        ListError: The file is not there, not text, too big, empty, or outside the folder.
    """
    path = _inside(name, folder)
    text = _text(path, name)
    literals: dict[str, None] = {}
    problems = []
    for number, line in enumerate(text.split("\n"), start=1):
        literal = line.strip()
        if not literal or literal.startswith("#"):
            continue
        wrong = _wrong(literal)
        if wrong:
            problems.append(Problem(str(folder / name), number, subject, wrong))
        literals[literal] = None
    if not literals:
        message = f"the list `{name}` is empty; write one literal a line"
        raise ListError(message)
    return tuple(literals), problems


def _inside(name: str, folder: Path) -> Path:
    relative = Path(name)
    if relative.is_absolute() or ".." in relative.parts:
        message = f"the list `{name}` must lie below the folder of this file; write its path from there"
        raise ListError(message)
    root = Path(os.path.realpath(folder))
    path = Path(os.path.realpath(root / relative))
    if not path.is_relative_to(root):
        message = f"the list `{name}` is a link that leads out of this file's folder; copy the list there"
        raise ListError(message)
    if not path.is_file():
        message = f"there is no list `{name}`; its path is read from the folder of this file"
        raise ListError(message)
    return path


def _text(path: Path, name: str) -> str:
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            limit = MAX_LIST_BYTES // 1_000_000
            message = f"the list `{name}` is larger than {limit} MB; cut it into several"
            raise ListError(message)
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"the list `{name}` cannot be read: {error.strerror}"
        raise ListError(message) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"the list `{name}` is not UTF-8 in line {line}; save it as UTF-8"
        raise ListError(message) from error


def _wrong(literal: str) -> str:
    if len(literal) > MAX_LITERAL_CHARS:
        return f"the literal is longer than {MAX_LITERAL_CHARS:,} characters; shorten it"
    return "the literal holds the character U+0000; remove it" if "\0" in literal else ""
