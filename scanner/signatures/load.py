"""Signatures from files and folders: everything that is right, and everything that is wrong."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from scanner.errors import Problem
from scanner.signatures.build import build_signature
from scanner.signatures.model import Signature
from scanner.signatures.shape import shown
from scanner.signatures.source import Document, Finding, UnreadableError, Value, read_document

MAX_FILE_BYTES = 8_000_000
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Reading:
    """What some files hold.

    Attributes:
        signatures: Those with nothing wrong, in the order of the files; ids are unique.
        problems: Everything that is wrong, in the order of the files and their lines.
        files: The files that were read, as the user named them or the folder they lie in.
        flawed: Of signatures with something wrong those regular expressions of which nothing is; they are good for
            nothing but to be compiled, so that what is wrong inside of them is told at once.
    """

    signatures: tuple[Signature, ...]
    problems: tuple[Problem, ...]
    files: tuple[str, ...] = ()
    flawed: tuple[Signature, ...] = ()


def read_signatures(paths: Sequence[str | Path]) -> Reading:
    """Reads every signature in some files and folders; never raises for what stands in them.

    A signature with anything wrong is left out, and all that is wrong with it reported.

    Args:
        paths: ``*.yaml`` and ``*.yml`` files, and folders, which are searched to the bottom in the order of
            names. A file that is named twice is read once.
    """
    reader = _Reader()
    for path in paths:
        reader.read(Path(path))
    return Reading(
        tuple(reader.signatures), tuple(reader.problems), tuple(reader.files), tuple(reader.flawed)
    )


class _Reader:
    def __init__(self) -> None:
        self.signatures: list[Signature] = []
        self.problems: list[Problem] = []
        self.files: list[str] = []
        self.flawed: list[Signature] = []
        self._seen: set[str] = set()
        self._ids: dict[str, str] = {}

    def read(self, path: Path) -> None:
        if path.is_dir():
            self._read_folder(path)
        elif not path.exists():
            self._report(path, 0, "there is no such file or folder")
        elif not path.is_file():
            self._report(path, 0, "this is neither a file nor a folder")
        elif path.suffix.lower() not in SUFFIXES:
            self._report(
                path, 0, "only *.yaml and *.yml files hold signatures; other formats are not built yet"
            )
        else:
            self._read_file(path)

    def _read_folder(self, folder: Path) -> None:
        files = list(self._files_below(folder))
        if not files:
            self._report(folder, 0, "there is no *.yaml or *.yml file in this folder")
        for file in files:
            self._read_file(file)

    def _files_below(self, folder: Path) -> Iterator[Path]:
        for parent, folders, names in os.walk(folder, onerror=self._unlistable):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                    yield Path(parent, name)

    def _unlistable(self, error: OSError) -> None:
        self._report(Path(error.filename), 0, f"this folder cannot be listed: {error.strerror}")

    def _read_file(self, file: Path) -> None:
        real = os.path.realpath(file)
        if real in self._seen:
            return
        self._seen.add(real)
        self.files.append(str(file))
        try:
            document = read_document(_text(file))
        except UnreadableError as error:
            self._report(file, error.line, error.message)
        else:
            self._read_document(document, file)

    def _read_document(self, document: Document, file: Path) -> None:
        for finding in document.findings:
            if not _is_of_a_signature(finding):
                self._report(file, finding.line, finding.message)
        for index, entry in enumerate(self._entries(document, file)):
            built = build_signature(document, index, str(file))
            used = self._used_before(entry, document.mark(("signatures", index, "id")).line, file)
            self.problems += used + built.problems
            if built.signature and not used:
                self.signatures.append(built.signature)
            elif flawed := built.flawed or built.signature:
                self.flawed.append(flawed)

    def _entries(self, document: Document, file: Path) -> list[Value]:
        """The signatures of a file as written; reports what else stands at its top, or does not."""
        top = document.value
        if not isinstance(top, dict):
            if not document.findings:
                self._report(
                    file, 1, "a file of signatures begins with `signatures:`; write the list below it"
                )
            return []
        for key in (key for key in top if key != "signatures"):
            near = get_close_matches(key.lower(), ["signatures"])
            remedy = "did you mean `signatures`?" if near else "only `signatures` stands at the top of a file"
            self._report(file, document.mark((key,)).line, f"{shown(key)} is not a key here; {remedy}")
        entries = top.get("signatures")
        if isinstance(entries, list) and entries:
            return entries
        if ("signatures" in top or not top) and not document.findings:
            self._report(
                file, 1, "there are no signatures; write `signatures:` and below it a list, `- id: ...`"
            )
        return []

    def _used_before(self, entry: Value, line: int, file: Path) -> list[Problem]:
        written = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(written, str):
            return []
        here = f"{file}:{line}"
        first = self._ids.setdefault(written, here)
        if first == here:
            return []
        message = f"this id is used in {first} already; write another"
        return [Problem(str(file), line, written, message)]

    def _report(self, file: Path, line: int, message: str) -> None:
        self.problems.append(Problem(str(file), line, "", message))


_PATH_OF_A_SIGNATURE = 2


def _is_of_a_signature(finding: Finding) -> bool:
    return len(finding.path) >= _PATH_OF_A_SIGNATURE and finding.path[0] == "signatures"


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 1_000_000
            message = f"the file is larger than {limit} MB; cut it into several, or use `list:`"
            raise UnreadableError(0, message)
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        raise UnreadableError(0, message) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = "this is not UTF-8; save the file as UTF-8"
        raise UnreadableError(line, message) from error
