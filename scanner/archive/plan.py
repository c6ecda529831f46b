"""What a hunt is going to read: an archive's files, cut into splits by what their footers say."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from scanner.archive import storage
from scanner.archive.columns import show_type
from scanner.archive.footers import footer_bytes
from scanner.archive.storage import FileInfo
from scanner.archive.survey import Survey, Wanted, survey
from scanner.errors import HuntError, Problem, SourceError

TARGET_SPLIT_BYTES = 128 << 20
"""Compressed bytes of text columns that a split holds at most, unless one row group is larger."""

_SHOWN_FILES = 10


@dataclass(frozen=True, slots=True)
class Split:
    """A run of row groups of one file: what is scheduled, retried, committed and covered as one.

    Attributes:
        split_id: 32 hex digits over file, version, row groups and columns.
        source_uri: The file.
        source_etag: Its version when the hunt was planned.
        source_size_bytes: Its size.
        row_groups: Ascending, without gaps; empty for a file that holds none.
        first_row: Index in the file of the first row, from 0.
        rows: Rows in all its row groups.
        text_bytes: Compressed bytes of its text columns.
        columns: Text columns that this file has; with named columns always all of them.
    """

    split_id: str
    source_uri: str
    source_etag: str
    source_size_bytes: int
    row_groups: tuple[int, ...]
    first_row: int
    rows: int
    text_bytes: int
    columns: tuple[str, ...]


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
    """

    splits: tuple[Split, ...]
    unreadable: tuple[Unreadable, ...]
    columns: tuple[str, ...]
    carry: pa.Schema
    files: int
    rows: int
    row_groups: int
    text_bytes: int
    match_key: bytes


def make_plan(  # noqa: PLR0913, PLR0917 - the columns of a hunt, one by one, as its file names them
    uris: Sequence[str],
    text_columns: Sequence[str] | Literal["auto"],
    record_id: str | None = None,
    actor_id: str | None = None,
    event_time: str | None = None,
    carry: Sequence[str] = (),
    target_split_bytes: int = TARGET_SPLIT_BYTES,
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
        target_split_bytes: Compressed bytes of text columns that a split holds at most.

    Raises:
        HuntError: There is nothing to read, or no file has the columns; every such column is named.
    """
    wanted = Wanted(
        text_columns if text_columns == "auto" else tuple(dict.fromkeys(text_columns)),
        tuple(path for path in (record_id, actor_id) if path is not None),
        event_time,
        tuple(dict.fromkeys(carry)),
    )
    files = sorted({info for uri in uris for info in storage.list_files(uri)})
    surveys: list[Survey] = []
    unreadable: list[Unreadable] = []
    for info in files:
        try:
            surveys.append(survey(info, wanted))
        except SourceError as error:
            unreadable.append(_set_aside(info, error.reason))
    _refuse_if_none(surveys, unreadable)
    unreadable += [_set_aside(each.info, _reason(each)) for each in surveys if each.problems]
    carried, usable = _with_one_carry([each for each in surveys if not each.problems], unreadable)
    splits = tuple(split for each in usable for split in _splits(each, target_split_bytes))
    return Plan(
        splits=splits,
        unreadable=tuple(sorted(unreadable, key=lambda each: each.uri)),
        columns=tuple(dict.fromkeys(path for each in usable for path in each.columns)),
        carry=carried,
        files=len(files),
        rows=sum(split.rows for split in splits),
        row_groups=sum(len(split.row_groups) for split in splits),
        text_bytes=sum(split.text_bytes for split in splits),
        match_key=_match_key(usable[0].info.uri),
    )


def _refuse_if_none(surveys: Sequence[Survey], unreadable: Sequence[Unreadable]) -> None:
    """Where no file at all can be hunted, the hunt is wrong rather than a file."""
    if any(not each.problems for each in surveys):
        return
    if surveys:
        first = surveys[0]
        raise HuntError(tuple(Problem(first.info.uri, 0, each.path, each.message) for each in first.problems))
    raise HuntError(tuple(Problem(each.uri, 0, "", each.reason) for each in unreadable[:_SHOWN_FILES]))


def _reason(file: Survey) -> str:
    return "; ".join(f"column {error}" for error in file.problems)


def _with_one_carry(
    surveys: Sequence[Survey], unreadable: list[Unreadable]
) -> tuple[pa.Schema, list[Survey]]:
    """One type for each carried column, and the files that have it or one that fits into it."""
    carried = surveys[0].carry
    usable = []
    for each in surveys:
        try:
            carried = pa.unify_schemas([carried, each.carry], promote_options="permissive")
            usable.append(each)
        except pa.ArrowTypeError:
            types = ", ".join(f"`{field.name}` {show_type(field.type)}" for field in each.carry)
            unreadable.append(_set_aside(each.info, f"carried columns have other types than before: {types}"))
    fields = [(field.name, pa.string() if pa.types.is_null(field.type) else field.type) for field in carried]
    return pa.schema(fields), usable


def _splits(file: Survey, target_bytes: int) -> Iterator[Split]:
    """Runs of row groups as long as fit; a file without any is one split, so that it is covered too."""
    run: list[int] = []
    first_row = 0
    for index, group in enumerate(file.row_groups):
        if run and _text_bytes(file, run) + group.text_bytes > target_bytes:
            split = _split(file, run, first_row)
            yield split
            run, first_row = [], first_row + split.rows
        run.append(index)
    yield _split(file, run, first_row)


def _split(file: Survey, run: Sequence[int], first_row: int) -> Split:
    info = file.info
    return Split(
        split_id=split_id(info, run, file.columns),
        source_uri=info.uri,
        source_etag=info.etag,
        source_size_bytes=info.size_bytes,
        row_groups=tuple(run),
        first_row=first_row,
        rows=sum(file.row_groups[index].rows for index in run),
        text_bytes=_text_bytes(file, run),
        columns=file.columns,
    )


def _text_bytes(file: Survey, run: Sequence[int]) -> int:
    return sum(file.row_groups[index].text_bytes for index in run)


def _set_aside(info: FileInfo, reason: str) -> Unreadable:
    return Unreadable(split_id(info, (), ()), info.uri, info.etag, info.size_bytes, reason)


def split_id(info: FileInfo, row_groups: Sequence[int], columns: Sequence[str]) -> str:
    """32 hex digits that name the same rows and columns of the same file version in every run."""
    parts = json.dumps([info.uri, info.etag, list(row_groups), list(columns)])
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def _match_key(uri: str) -> bytes:
    """A key that takes the archive to work out, so that results alone do not tell what was matched."""
    return hashlib.sha256(b"hindcast match key" + footer_bytes(uri)).digest()
