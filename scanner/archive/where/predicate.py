"""A predicate as a hunt uses it: read once, checked against schemas, asked about partitions, row groups and rows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import pyarrow as pa

from scanner.archive.columns.leaves import find_flat, is_text, show_type
from scanner.archive.columns.paths import ColumnError, NoColumnError
from scanner.archive.columns.pieces import Rows
from scanner.archive.where.bounds import bind
from scanner.archive.where.mask import mask
from scanner.archive.where.places import UnfitError, plain
from scanner.archive.where.possible import ColumnStats, Facts, possible
from scanner.archive.where.tree import And, Column, IsNull, Like, Node, Term, terms

_KNOWN_TEXTS: Final = 1 << 10  # the same part of a predicate removes most of what is removed
_NONE: Final[Mapping[str, str | None]] = MappingProxyType({})


class MisfitError(ColumnError):
    """A predicate asks a column for what it does not hold: the predicate is wrong, not whatever else names the column.

    Its path is the word ``where``, so that the problem is told where the predicate stands.
    """

    @classmethod
    def of(cls, column: Column, message: str) -> "MisfitError":
        """What is wrong with what is asked of a column."""
        return cls("where", f"`{column.path}` {message}")

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Predicate:
    """Which records are wanted, in SQL's logic: those of which it is true, not those of which it is unknown.

    Attributes:
        tree: The predicate, taken apart.
    """

    tree: Node

    @classmethod
    def parse(cls, text: str) -> "Predicate":
        """Reads a predicate in SQL.

        Raises:
            WhereError: It is none, or one that asks for more than is understood here.
        """
        from scanner.archive.where.sql import parse  # noqa: PLC0415 - the parser takes longer to import than to run

        return cls(parse(text))

    @property
    def text(self) -> str:
        """The predicate in one spelling, which reads as the same predicate again."""
        return str(self.tree)

    @property
    def columns(self) -> tuple[str, ...]:
        """Paths of the columns that it names, in its order."""
        return tuple(dict.fromkeys(term.column.path for term in terms(self.tree)))

    def check(self, schema: pa.Schema, constants: Collection[str] = ()) -> None:
        """Makes sure that it can be asked of a file.

        Args:
            schema: Arrow schema of the file.
            constants: Columns that are parts of the file's path.

        Raises:
            NoColumnError: A column is not there.
            MisfitError: One lies in a list, or holds what cannot be compared so.
        """
        for term in terms(self.tree):
            if term.column.path in constants:
                continue
            try:
                _check(term, find_flat(schema, term.column.path).type)
            except NoColumnError:
                raise
            except ColumnError as error:
                raise MisfitError.of(term.column, error.message) from error

    def may_match(
        self, stats: Mapping[str, ColumnStats], rows: int, constants: Mapping[str, str | None] = _NONE
    ) -> bool:
        """True unless it is true of no record of a row group.

        Args:
            stats: What is known of its columns.
            rows: Its records.
            constants: Values of the columns that are parts of the path.

        Raises:
            WhereError: A constant cannot be read as what it is compared with.
        """
        return self.why_not(stats, rows, constants) is None

    def why_not(
        self,
        stats: Mapping[str, ColumnStats] = MappingProxyType({}),
        rows: int | None = None,
        constants: Mapping[str, str | None] = _NONE,
    ) -> str | None:
        """The part of it that is true of no record, and so removes them all; None where it may be true of some.

        Raises:
            WhereError: A constant cannot be read as what it is compared with.
        """
        facts = Facts(constants, stats, rows)
        if possible(self.tree, facts).true:
            return None
        items = self.tree.items if isinstance(self.tree, And) else (self.tree,)
        return _text(next(item for item in items if not possible(item, facts).true))

    def mask(self, batch: Rows, constants: Mapping[str, str | None] = _NONE) -> pa.BooleanArray:
        """Which records of a batch it is true of.

        Args:
            batch: Holds the columns that are no constants, by their paths.
            constants: Values of the columns that are parts of the path, as text; None is null.

        Returns:
            boolean[n], never null.

        Raises:
            ColumnError: A column is not there.
            WhereError: A constant cannot be read as what it is compared with.
        """
        return mask(self.tree, batch, constants)


@lru_cache(maxsize=_KNOWN_TEXTS)
def _text(node: Node) -> str:
    return str(node)


def _check(term: Term, type_: pa.DataType) -> None:
    held = plain(type_)
    if isinstance(term, IsNull) or pa.types.is_null(held):
        return
    if isinstance(term, Like):
        if not is_text(held):
            raise ColumnError(term.column.path, f"holds {show_type(held)}, not text; LIKE is for texts")
        return
    try:
        bind(term, held)
    except UnfitError as error:
        raise ColumnError(term.column.path, str(error)) from error
