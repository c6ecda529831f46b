"""A predicate as its own small tree: columns compared with values, and, or, not.

Every node's text is SQL that reads as the same node again.
"""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from scanner.archive.columns.paths import ColumnPath
from scanner.errors import HindcastError

Kind = Literal["text", "number", "boolean", "time"]
Operator = Literal["=", "<>", "<", "<=", ">", ">="]

_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE)
_DATE_LENGTH: Final = len("2026-01-31")
_WORDS_OF_SQL: Final = re.compile(
    "alter|and|any|as|between|call|case|connect_by_root|create|cross|current_catalog|current_date|"
    "current_role|current_schema|current_time|current_timestamp|current_user|date|delete|desc|describe|"
    "distinct|drop|else|except|execute|explain|false|fetch|for|from|glob|grant|having|if|ilike|in|inner|"
    "insert|intersect|interval|into|is|join|lateral|like|localtime|localtimestamp|merge|not|notnull|"
    "null|on|optimize|or|outer|partitioned_by|prepare|qualify|regexp|rename|returning|revoke|rlike|"
    "rollback|select|session_user|show|straight_join|table|tablesample|then|timestamp|timestamptz|true|"
    "uncache|union|update|using|vacuum|values|when|where|with|xor",
    re.IGNORECASE,
)


class WhereError(HindcastError):
    """A predicate cannot be read, or does not fit the columns it names.

    Attributes:
        position: Character of the predicate's text that is meant, from 0.
        message: What is wrong and what to write instead.
    """

    def __init__(self, position: int, message: str) -> None:
        super().__init__(position, message)
        self.position = position
        self.message = message

    def __str__(self) -> str:
        return f"at character {self.position + 1}: {self.message}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a predicate names.

    Attributes:
        path: As a hunt writes paths.
        position: Where the predicate names it first, from 0.
    """

    path: str
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return ".".join(_identifier(step.name) for step in ColumnPath.parse(self.path).steps)


@dataclass(frozen=True, slots=True, order=True)
class Value:
    """A value that a predicate writes.

    Attributes:
        kind: What it is.
        text: The text itself, digits of a number, ``true`` or ``false``, or a date or time in UTC.
    """

    kind: Kind
    text: str

    def __str__(self) -> str:
        if self.kind == "text":
            return _quoted(self.text)
        if self.kind == "time":
            word = "DATE" if len(self.text) == _DATE_LENGTH else "TIMESTAMP"
            return f"{word} {_quoted(self.text)}"
        return self.text


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column beside one value."""

    column: Column
    operator: Operator
    value: Value

    def __str__(self) -> str:
        return f"{self.column} {self.operator} {self.value}"


@dataclass(frozen=True, slots=True)
class Among:
    """A column that is one of some values of one kind; at least one."""

    column: Column
    values: frozenset[Value]

    def __str__(self) -> str:
        return f"{self.column} IN ({', '.join(map(str, sorted(self.values)))})"


@dataclass(frozen=True, slots=True)
class IsNull:
    """A column without a value."""

    column: Column

    def __str__(self) -> str:
        return f"{self.column} IS NULL"


@dataclass(frozen=True, slots=True)
class Like:
    """A text that fits a pattern.

    Attributes:
        column: The column.
        pattern: ``%`` is any text and ``_`` any character, unless the escape character stands before them.
        escape: The escape character; empty for none, as in standard SQL.
        caseless: True for ``ILIKE``.
    """

    column: Column
    pattern: str
    escape: str = ""
    caseless: bool = False

    def __str__(self) -> str:
        word = "ILIKE" if self.caseless else "LIKE"
        escape = f" ESCAPE {_quoted(self.escape)}" if self.escape else ""
        return f"{self.column} {word} {_quoted(self.pattern)}{escape}"


@dataclass(frozen=True, slots=True)
class Flag:
    """A column of booleans that is true."""

    column: Column

    def __str__(self) -> str:
        return str(self.column)


Term = Comparison | Among | IsNull | Like | Flag


@dataclass(frozen=True, slots=True)
class Not:
    """What is not; what is unknown stays unknown."""

    item: "Node"

    def __str__(self) -> str:
        return f"NOT {_within(self.item)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of some; at least two."""

    items: tuple["Node", ...]

    def __str__(self) -> str:
        return " AND ".join(map(_within, self.items))


@dataclass(frozen=True, slots=True)
class Or:
    """Any of some; at least two."""

    items: tuple["Node", ...]

    def __str__(self) -> str:
        return " OR ".join(map(_within, self.items))


Node = Term | Not | And | Or


def terms(node: Node) -> list[Term]:
    """Every term of a predicate, in its order."""
    if isinstance(node, Not):
        return terms(node.item)
    if isinstance(node, And | Or):
        return [term for item in node.items for term in terms(item)]
    return [node]


def _within(node: Node) -> str:
    return f"({node})" if isinstance(node, And | Or) else str(node)


def _identifier(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name) and not _WORDS_OF_SQL.fullmatch(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
