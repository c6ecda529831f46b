"""YAML as people write it: plain data, the line of everything in it, and its traps refused.

Every plain scalar is the text that stands there. YAML 1.1 would turn ``no`` into a boolean, ``010`` into
eight, ``12:30:45`` into 45,045 seconds; nobody who writes a signature wants that. Aliases, anchors and tags
are refused: nobody needs them here, they are the usual way to make a small file huge, and most of the time
they are a text whose quotes were forgotten.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

import yaml

Value = str | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]

MAX_DEPTH = 20
"""Lists and maps that may stand inside each other."""

# The C parser reads ten times as fast; both yield the same events.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Finding(NamedTuple):
    """Something wrong at one place of a document."""

    path: Path
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Mark:
    """How a value was written.

    Attributes:
        line: Line of its key, or of the item of a list, from 1.
        style: ``'``, ``"``, ``|`` or ``>`` for a quoted or block text; empty for all else.
        cut: True where a ``#`` directly before other text turned the rest of its line into a comment.
    """

    line: int
    style: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document.

    Attributes:
        value: Texts, lists and maps. A key without a value is left out, an item without one is an empty text;
            both are among ``findings``.
        marks: How each value was written, by its path; a map's key and its value share a path.
        findings: What is wrong, in the order of the file.
    """

    value: Value | None
    marks: dict[Path, Mark] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def mark(self, path: Path) -> Mark:
        """How a value was written; that of the nearest value around it where there is none."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark(1))


class UnreadableError(Exception):
    """A text is no YAML that can be read at all.

    Attributes:
        line: From 1.
        message: What is wrong and what to write instead.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message


def read_document(text: str) -> Document:
    """Reads one YAML document.

    Raises:
        UnreadableError: The text is not YAML, or nested too deeply to be meant.
    """
    wild = _NOT_PRINTABLE.search(text)
    if wild:
        line = text.count("\n", 0, wild.start()) + 1
        message = f"the character U+{ord(wild[0]):04X} may not stand in a YAML file; remove it"
        raise UnreadableError(line, message)
    try:
        return _Reader(text).read()
    except yaml.YAMLError as error:
        raise _explained(error) from error


# Source: https://yaml.org/spec/1.1/#c-printable
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CUT = re.compile(r"[ \t]+#[^\s#]")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class _Reader:
    """Turns the parser's events into a document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._document = Document(None)

    def read(self) -> Document:
        value: Value | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._find((), event, "a second document begins here; write it to a file of its own")
                    break
                value = self._value(next(self._events), ())
        return Document(value, self._document.marks, self._document.findings)

    def _value(self, event: yaml.Event, path: Path) -> Value | None:
        if len(path) > MAX_DEPTH:
            _refuse(event, f"lists and maps stand more than {MAX_DEPTH} deep; write it flatter")
        if isinstance(event, yaml.AliasEvent):
            self._find(path, event, f"`*{event.anchor}` is an alias of YAML; {_QUOTE}")
            return None
        if not isinstance(event, yaml.NodeEvent):
            _refuse(event, f"a value is missing; {_QUOTE}")
        self._refuse_decoration(event, path)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        return self._list(path) if isinstance(event, yaml.SequenceStartEvent) else self._map(path)

    def _scalar(self, event: yaml.ScalarEvent, path: Path) -> str | None:
        text = str(event.value)
        style = event.style or ""
        if not style and text in _NULLS:
            self._find(
                path, event, f"{_named(path)} has no value; write one (in quotes where it begins with `#`)"
            )
            return None
        bad = next((char for char in text if char == "\0" or "\ud800" <= char <= "\udfff"), None)
        if bad is not None:
            self._find(path, event, f"{_named(path)} holds the character U+{ord(bad):04X}; remove it")
            return None
        self._mark(path, event, style, cut=not style and self._is_cut(event))
        return text

    def _list(self, path: Path) -> list[Value]:
        items: list[Value] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            inner = (*path, len(items))
            self._mark(inner, event)
            item = self._value(event, inner)
            # An empty text keeps the place of an item without a value, so that paths stay true.
            items.append("" if item is None else item)
        return items

    def _map(self, path: Path) -> dict[str, Value]:
        entries: dict[str, Value] = {}
        first: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                _refuse(event, f"a list, map or alias cannot be a key; {_QUOTE}")
            key = str(event.value)
            inner = (*path, key)
            if key in first:
                message = f"`{key}` is written twice here, first in line {first[key]}; remove one of them"
                self._find(inner, event, message)
                # What is wrong inside the second one is no concern: it will go.
                self._skip()
                continue
            first[key] = _line(event)
            self._mark(inner, event)
            value = self._value(next(self._events), inner)
            if value is not None:
                entries[key] = value
        return entries

    def _skip(self) -> None:
        depth = 0
        for event in self._events:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if not depth:
                return

    def _refuse_decoration(self, event: yaml.NodeEvent, path: Path) -> None:
        if event.anchor is not None:
            self._find(path, event, f"`&{event.anchor}` is an anchor of YAML; {_QUOTE}")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._find(path, event, f"`{tag}` is a tag of YAML; {_QUOTE}")

    def _is_cut(self, event: yaml.Event) -> bool:
        return event.end_mark is not None and _CUT.match(self._text, event.end_mark.index) is not None

    def _mark(self, path: Path, event: yaml.Event, style: str = "", *, cut: bool = False) -> None:
        known = self._document.marks.get(path)
        self._document.marks[path] = Mark(known.line if known else _line(event), style, cut)

    def _find(self, path: Path, event: yaml.Event, message: str) -> None:
        self._document.findings.append(Finding(path, _line(event), message))


_QUOTE = "if it is a text, put it in single quotes"


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _named(path: Path) -> str:
    if not path:
        return "the file"
    if isinstance(path[-1], str):
        return f"`{path[-1]}`"
    return f"an item of {_named(path[:-1])}"


def _refuse(event: yaml.Event, message: str) -> NoReturn:
    raise UnreadableError(_line(event), message)


_IN_QUOTES = "YAML reads backslashes in double quotes itself; write regexes in single quotes"
_REMEDIES = {
    "escape": _IN_QUOTES,
    "hexdecimal": _IN_QUOTES,  # libyaml's spelling
    "hexadecimal": _IN_QUOTES,
    "unexpected end of stream": "a quote is opened here and never closed; close it",
    "mapping values": "a text holds `: `, or is indented wrongly; put it in single quotes",
    "cannot start any token": (
        "a text that begins with `@`, `%` or a backtick needs single quotes; indent with spaces, not tabs"
    ),
    "block scalar": "after `|` or `>` the text begins on the next line; or put the text in single quotes",
    "block": (
        "a text goes on after a bracket or quote that it begins with, or the indentation differs from the "
        "lines above; put the whole text in single quotes, and write `''` for each `'` in it"
    ),
    "flow": "a bracket is not closed, or a comma is misplaced; put texts that hold either in single quotes",
}
"""What the parser says → what to write instead; the first that fits."""
_OTHERWISE = "check the indentation, and put regexes and texts in single quotes"


def _explained(error: yaml.YAMLError) -> UnreadableError:
    problem = str(getattr(error, "problem", None) or error)
    context = str(getattr(error, "context", None) or "")
    mark = getattr(error, "problem_mark", None)
    if "end of stream" in problem or mark is None:
        mark = getattr(error, "context_mark", None) or mark
    words = f"{problem} {context}"
    remedy = next((remedy for said, remedy in _REMEDIES.items() if said in words), _OTHERWISE)
    return UnreadableError(mark.line + 1 if mark else 1, f"this is not YAML: {remedy}")
