"""What a hunt is going to read: an archive's files, cut into splits by what their footers say."""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Final, Literal

import pyarrow as pa

from scanner.archive import storage
from scanner.archive.columns.leaves import show_type
from scanner.archive.formats import PARQUET, Written, endings_of
from scanner.archive.formats.tables import TABLES, open_table
from scanner.archive.parquet.footer_cache import FooterCache
from scanner.archive.planning.lacking import why_not
from scanner.archive.planning.listing import Listing
from scanner.archive.planning.passed_over import PassedOver
from scanner.archive.planning.pruning import Pruning, Removed, removed_by_path
from scanner.archive.planning.splits import Part, Split, Splits, split_id
from scanner.archive.planning.survey import Survey, Surveyor, Wanted
from scanner.archive.planning.surveys import Surveys
from scanner.archive.storage import FileInfo
from scanner.archive.where import Predicate
from scanner.errors import HuntError, Problem, SourceError

__all__ = ["Plan", "PlanProgress", "Split", "Unreadable", "make_plan", "plan_files"]

TARGET_SPLIT_BYTES: Final = 128 << 20
"""Compressed bytes of text columns that a split holds at most, unless one row group is larger."""

_SHOWN_FILES: Final = 10
_LENGTH_AND_MAGIC: Final = 8
_LOOKED_AT: Final = 100
"""Files that the predicate removes and of which, from the first on, one is looked for that can be hunted."""


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """How far planning has come.

    Attributes:
        listed: Files found so far.
        planned: Files of which it is known what to read.
        all_listed: True once no more files will be found.
    """

    listed: int
    planned: int = 0
    all_listed: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that cannot be hunted: its footer is broken, or it lacks a column that the hunt names.

    Attributes:
        split_id: 32 hex digits, made as for a split without row groups.
        uri: The file.
        etag: Its version; empty where even that is not known.
        size_bytes: Its size.
        reason: Why, in words for the operator.
    """

    split_id: str
    uri: str
    etag: str
    size_bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a hunt is going to read, and what it already knows it cannot.

    Attributes:
        splits: In the order of files and row groups.
        unreadable: In the order of files.
        columns: Text columns to hunt; with ``auto`` all that any file has.
        carry: Fields of the columns copied to each hit, named by their paths.
        files: Number of files, unreadable ones included.
        rows: Rows of all splits.
        row_groups: Row groups of all splits.
        text_bytes: Compressed bytes of text columns in all splits.
        match_key: 32 bytes that only a reader of the archive can work out.
        pruned: What the hunt's predicate removed, which is neither a split nor a gap.
        passed_over: How many files of which kinds lie in folders of the archive and are not read; empty for none.
    """

    splits: Splits
    unreadable: tuple[Unreadable, ...]
    columns: tuple[str, ...]
    carry: pa.Schema
    files: int
    rows: int
    row_groups: int
    text_bytes: int
    match_key: bytes
    pruned: tuple[Removed, ...] = ()
    passed_over: str = ""


def make_plan(  # noqa: PLR0913 - the columns of a hunt, one by one, as its file names them
    uris: Sequence[str],
    text_columns: Sequence[str] | Literal["auto"],
    record_id: str | None = None,
    actor_id: str | None = None,
    event_time: str | None = None,
    carry: Sequence[str] = (),
    *,
    manifest: str | None = None,
    format: str | None = None,  # noqa: A002 - the hunt's word
    at: int | None = None,
    where: Predicate | None = None,
    optional: Sequence[str] = (),
    target_split_bytes: int = TARGET_SPLIT_BYTES,
    footers: FooterCache | None = None,
    on_progress: Callable[[PlanProgress], None] = lambda _: None,
) -> Plan:
    """Reads the footers of an archive and cuts its files into splits.

    A file that cannot be read, or that lacks a column the others have, is set aside with its reason.

    Args:
        uris: Files, folders and globs; a file that several of them name is read once.
        text_columns: Paths of the columns to hunt, or ``auto`` for every string column of each file.
        record_id: Path of the column that identifies a record.
        actor_id: Path of the column that identifies its author.
        event_time: Path of the column that holds its time.
        carry: Paths of the columns copied to each hit.
        manifest: File that lists more of them; None where there is none.
        format: How they are written; None where their names tell, and folders hold Parquet. Of a table there is
            one URI, its folder.
        at: Version of a Delta table, snapshot of an Iceberg table; None for the latest.
        where: Which records are wanted; None for all.
        optional: Those of the text columns that a file may lack.
        target_split_bytes: Compressed bytes of text columns that a split holds at most.
        footers: Footers that are known, where those that are read are kept too; None to keep none.
        on_progress: Called now and then.

    Raises:
        HuntError: There is nothing to read, or no file has the columns; every such column is named. Or the
            predicate does not fit a value in the path of a file.
    """
    wanted = Wanted(
        text_columns if text_columns == "auto" else tuple(dict.fromkeys(text_columns)),
        tuple(path for path in (record_id, actor_id) if path is not None),
        event_time,
        tuple(dict.fromkeys(carry)),
        where,
        tuple(optional),
    )
    if format in TABLES:
        table = open_table(uris[0], format, at)
        written = Written(PARQUET, table.deletes, in_paths=format != "iceberg")
        return plan_files(table.files, wanted, written, target_split_bytes, footers, on_progress)
    passed = PassedOver()
    sources = [partial(storage.list_files, uri, endings_of(format), passed.add) for uri in uris]
    if manifest is not None:
        sources.append(partial(storage.list_manifest, manifest))
    plan = plan_files(_listed(sources), wanted, Written(format), target_split_bytes, footers, on_progress)
    return replace(plan, passed_over=passed.summary(plan.splits.files))


def _listed(sources: Iterable[Callable[[], Iterator[FileInfo]]]) -> Iterator[FileInfo]:
    """The files of all sources; behind one that has none, the others are only asked whether they have any.

    Raises:
        HuntError: With every source that has none.
        SourceError: A file vanished while it was looked at.
    """
    problems: list[Problem] = []
    for listed in sources:
        try:
            if problems:
                with contextlib.suppress(SourceError):
                    next(listed(), None)
            else:
                yield from listed()
        except HuntError as error:
            problems += error.problems
    if problems:
        raise HuntError(tuple(problems))


def plan_files(
    infos: Iterable[FileInfo],
    wanted: Wanted,
    written: Written | None = None,
    target_split_bytes: int = TARGET_SPLIT_BYTES,
    footers: FooterCache | None = None,
    on_progress: Callable[[PlanProgress], None] = lambda _: None,
) -> Plan:
    """Does what `make_plan` does, with files that were listed by somebody else, in any order.

    Raises:
        HuntError: As `make_plan`.
    """
    files = Listing(infos, lambda listed: on_progress(PlanProgress(listed)))
    on_progress(PlanProgress(len(files), all_listed=True))
    where = "" if wanted.where is None else wanted.where.text
    draft = _Draft(Splits(files, where, written), wanted, target_split_bytes)
    with contextlib.closing(FooterCache()) as forgetful, contextlib.ExitStack() as exits:
        kept = footers or forgetful
        exits.callback(kept.flush)
        surveys = Surveys(Surveyor(wanted, draft.written), kept, draft.written)
        for some in surveys.of(draft.by_path(), len(files)):
            for number, found in some:
                draft.add(number, found)
            on_progress(PlanProgress(len(files), some[-1][0] + 1, all_listed=True))
        first = draft.first_usable(surveys)
        return draft.plan(first, surveys.head(first.info))


class _Draft:
    """A plan in the making: files come in their order, each once.

    Args:
        splits: None yet, of all files.
        wanted: What every file is asked for.
        target_bytes: Compressed bytes of text columns that a split holds at most.
    """

    def __init__(self, splits: Splits, wanted: Wanted, target_bytes: int) -> None:
        self._files = splits.files
        self.written = splits.written
        self._where = wanted.where
        self._text: tuple[str, ...] = () if wanted.text == "auto" else wanted.text
        self._target_bytes = target_bytes
        self._pruning = Pruning()
        self._splits = splits
        self._unreadable: list[Unreadable] = []
        self._columns: dict[tuple[str, ...], None] = {}
        self._carry: pa.Schema | None = None
        self._last_carry: pa.Schema | None = None
        self._first_usable: Survey | None = None
        self._first_problems: Survey | None = None

    def by_path(self) -> Iterator[tuple[int, FileInfo]]:
        """The files whose paths do not rule them out, numbered.

        Raises:
            HuntError: The predicate does not fit a value in a path.
        """
        for number, info in enumerate(self._files):
            term = self._removed_by_path(info)
            if term is None:
                yield number, info
            else:
                self._pruning.add(Removed("partitions", term, 1, None, None, info.size_bytes))

    def add(self, number: int, found: Survey | SourceError) -> None:
        """Takes in what was found out about the next file."""
        if isinstance(found, SourceError):
            self._set_aside(self._files[number], found.reason)
        elif found.problems:
            self._first_problems = self._first_problems or found
            self._set_aside(found.info, why_not(found.problems, self._text))
        else:
            self._first_usable = self._first_usable or found
            if self._carries(found):
                self._columns[found.columns] = None
                self._prune(found)
                for part in _parts(found, self._target_bytes):
                    self._splits.add(number, found.columns, part)

    def first_usable(self, surveys: Surveys) -> Survey:
        """The first file of all that can be hunted, even if the predicate removes it.

        Raises:
            HuntError: No file at all can be hunted, so the hunt is wrong rather than a file.
        """
        for info in islice(self._files, _LOOKED_AT):
            if self._first_usable is not None and info >= self._first_usable.info:
                break
            if self._removed_by_path(info) is not None:
                found = surveys.look_at(info)
                if isinstance(found, Survey) and not found.problems:
                    return found
        if self._first_usable is None:
            raise HuntError(tuple(self._why_nothing()))
        return self._first_usable

    def plan(self, first: Survey, footer: bytes) -> Plan:
        """The plan.

        Args:
            first: The first file that can be hunted.
            footer: Its footer.
        """
        carry = first.carry if self._carry is None else self._carry
        columns = self._columns or {first.columns: None}
        return Plan(
            splits=self._splits,
            unreadable=tuple(self._unreadable),
            columns=tuple(dict.fromkeys(path for each in columns for path in each)),
            carry=pa.schema([(field.name, _type_in_hits(field.type)) for field in carry]),
            files=len(self._files),
            rows=self._splits.rows,
            row_groups=self._splits.row_groups,
            text_bytes=sum(self._splits.text_bytes),
            match_key=_match_key(footer),
            pruned=self._pruning.removed(),
        )

    def _removed_by_path(self, info: FileInfo) -> str | None:
        if self._where is None:
            return None
        return removed_by_path(self._where, info.uri, self.written.partitions_of(info.uri))

    def _prune(self, found: Survey) -> None:
        """Counts what statistics remove of a file."""
        groups = found.row_groups
        if found.removed_by is not None:
            rows, size_bytes = sum(group.rows for group in groups), found.info.size_bytes
            self._pruning.add(Removed("file statistics", found.removed_by, 1, len(groups), rows, size_bytes))
            return
        removed = [group for group in groups if group.removed_by is not None]
        for number, group in enumerate(removed, 1):
            last = number == len(groups)
            term = group.removed_by or ""
            self._pruning.add(
                Removed("row-group statistics", term, int(last), 1, group.rows, group.text_bytes)
            )

    def _carries(self, found: Survey) -> bool:
        """Makes one type for each carried column of all files, unless this file's do not fit into it."""
        if found.carry is self._last_carry:
            return True
        before = found.carry if self._carry is None else self._carry
        try:
            self._carry = pa.unify_schemas([before, found.carry], promote_options="permissive")
        except pa.ArrowTypeError:
            types = ", ".join(f"`{field.name}` {show_type(field.type)}" for field in found.carry)
            self._set_aside(found.info, f"carried columns have other types than before: {types}")
            return False
        self._last_carry = found.carry
        return True

    def _set_aside(self, info: FileInfo, reason: str) -> None:
        name = split_id(info, (), ())
        self._unreadable.append(Unreadable(name, info.uri, info.etag, info.size_bytes, reason))

    def _why_nothing(self) -> Iterator[Problem]:
        first = self._first_problems
        if first is not None:
            for each in first.problems:
                yield Problem(first.info.uri, 0, each.path, each.message)
        else:
            for file in self._unreadable[:_SHOWN_FILES]:
                yield Problem(file.uri, 0, "", file.reason)


def _type_in_hits(type_: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_null(type_) else type_


def _parts(file: Survey, target_bytes: int) -> Iterator[Part]:
    """Row groups to read, as many together as fit; a file that holds none is one part, so that it is covered too."""
    if file.removed_by is not None:
        return
    run: list[int] = []
    first_row = next_row = rows = text_bytes = 0
    for index, group in enumerate(file.row_groups):
        if group.removed_by is None:
            if run and text_bytes + group.text_bytes > target_bytes:
                yield Part(tuple(run), first_row, rows, text_bytes)
                run, rows, text_bytes = [], 0, 0
            first_row = first_row if run else next_row
            run.append(index)
            rows += group.rows
            text_bytes += group.text_bytes
        next_row += group.rows
    if run or not file.row_groups:
        yield Part(tuple(run), first_row, rows, text_bytes)


def _match_key(footer: bytes) -> bytes:
    """A key that takes the archive to work out, so that results alone do not tell what was matched."""
    return hashlib.sha256(b"hindcast match key" + footer[:-_LENGTH_AND_MAGIC]).digest()
