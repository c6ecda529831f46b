"""Hits of any splits come sorted and cut to a sample, however many fit in memory at once."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.archive import storage
from scanner.results import compact, layout, sorted_hits, split_hits
from scanner.results.finish import finish
from scanner.results.limits import Limits
from scanner.results.reader import open_results
from scanner.results.sample import ranks_of
from scanner.results.schemas import SAMPLE_BOUND, hit_id, hits_schema
from scanner.results.shelf import Shelf
from scanner.results.sorted_hits import SORTED_BY, SortedHits
from tests.support.results import HUNT, RUN_ID, commit_split, hit, record

ROW_GROUPS = 12
NAMES = ("fraud.a", "fraud.b", "idle.c")

Place = tuple[int, int, int, str]
"""File, row group, row in it and column."""


def place_of(place: Place, name: str, actor: int | None) -> dict[str, Any]:
    file, row_group, row, column = place
    uri, index = f"/archive/{file}.parquet", row_group * 10 + row
    return hit(
        name,
        index,
        None if actor is None else f"actor {actor}",
        source_uri=uri,
        row_group=row_group,
        column=column,
        hit_id=hit_id(name, "digest", uri, "1-2", index, column),
    )


places = st.tuples(
    st.integers(0, 2), st.integers(0, ROW_GROUPS - 1), st.integers(0, 9), st.sampled_from(["text", "body"])
)
some_hits = st.dictionaries(
    st.tuples(places, st.sampled_from(NAMES)), st.none() | st.integers(0, 3), max_size=60
).map(lambda found: [place_of(place, name, actor) for (place, name), actor in sorted(found.items(), key=str)])


def written(
    run: str, hits: Sequence[dict[str, Any]], splits_a_file: int, per_split: int | None = None
) -> None:
    """The hits, each in the split to which its row group belongs: splits of a file interleave."""
    for number in range(3 * splits_a_file):
        file, share = divmod(number, splits_a_file)
        row_groups = tuple(range(share, ROW_GROUPS, splits_a_file))
        uri = f"/archive/{file}.parquet"
        own = [row for row in hits if (row["source_uri"], row["row_group"] % splits_a_file) == (uri, share)]
        # Batch by batch, and in a batch column by column, as splits are hunted.
        own.sort(key=lambda row: (row["row_index"] // 4, row["column"], row["row_index"]))
        report = commit_split(run, number, own, source_uri=uri, row_groups=row_groups)
        if report.hits_file is not None:
            table = pa.Table.from_pylist(own, hits_schema(pa.schema([])))
            if per_split is not None and len(own) > per_split:
                bound = sorted(ranks_of(table["hit_id"].combine_chunks()).tolist())[per_split - 1]
                table = table.replace_schema_metadata({SAMPLE_BOUND: str(bound)})
            pq.write_table(table, layout.split_hits_uri(run, report.hits_file), row_group_size=3)


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in SORTED_BY)


def sample(hits: Sequence[dict[str, Any]], most: int | None) -> list[dict[str, Any]]:
    if most is None or not hits:
        return list(hits)
    ranks = ranks_of(pa.array([row["hit_id"] for row in hits])).tolist()
    return [hits[number] for number in sorted(range(len(hits)), key=ranks.__getitem__)[:most]]


def expected(hits: Sequence[dict[str, Any]], limits: Limits, splits_a_file: int) -> list[dict[str, Any]]:
    """Told plainly: of each split the lowest, of those of each signature the lowest, in order."""
    by_split: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in hits:
        by_split.setdefault((row["source_uri"], row["row_group"] % splits_a_file), []).append(row)
    of_splits = [row for rows in by_split.values() for row in sample(rows, limits.stored_hits_per_split)]
    by_name = ([row for row in of_splits if row["signature_id"] == name] for name in NAMES)
    return sorted(
        (row for rows in by_name for row in sample(rows, limits.stored_hits_per_signature)), key=key
    )


def check_counts(rows: Sequence[dict[str, Any]], signatures: pa.Table, totals: dict[str, int | None]) -> None:
    for told in signatures.to_pylist():
        own = [row for row in rows if row["signature_id"] == told["signature_id"]]
        actors = {row["actor_id"] for row in own} - {None}
        assert told["records"] == len({(row["source_uri"], row["row_index"]) for row in own})
        assert told["actors"] == (len(actors) or (None if own else 0))
    actors = {row["actor_id"] for row in rows} - {None}
    assert totals["actors"] == (len(actors) or (None if rows else 0))
    assert totals["records"] == len({(row["source_uri"], row["row_index"]) for row in rows})


@settings(max_examples=60)
@given(
    hits=some_hits,
    splits_a_file=st.integers(1, 3),
    most=st.tuples(*[st.none() | st.integers(1, 12)] * 2),
    run_bytes=st.sampled_from([1, 4_000, 1 << 26]),
    small=st.booleans(),
)
def test_whatever_fits_in_memory_the_same_hits_come_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    hits: list[dict[str, Any]],
    splits_a_file: int,
    most: tuple[int | None, int | None],
    run_bytes: int,
    small: bool,
) -> None:
    output = str(tmp_path_factory.mktemp("run"))
    run = layout.run_uri(output, HUNT, RUN_ID)
    limits = Limits(None, *most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_hits, "RUN_BYTES", run_bytes)
        if small:
            patch.setattr(sorted_hits, "BATCH_BYTES", (1, 200))
            patch.setattr(split_hits, "WHOLE_HITS", 1)
        written(run, hits, splits_a_file, most[1])
        unfinished = open_results(output, run=RUN_ID)
        check_counts(hits, unfinished.signatures.to_table(), unfinished.totals)
        finish(run, record(limits=limits))
    results = open_results(output)
    rows = results.hits.to_table().to_pylist()
    stored = expected(hits, limits, splits_a_file)
    assert list(map(key, rows)) == list(map(key, stored))
    assert [row["hit_id"] for row in rows] == [row["hit_id"] for row in stored]
    check_counts(rows, results.signatures.to_table(), results.totals)


def test_the_same_hits_make_the_same_files_however_they_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hits = [
        place_of((file, row_group, row, "text"), name, row)
        for name in NAMES
        for file in range(3)
        for row_group in range(ROW_GROUPS)
        for row in range(10)
    ]
    monkeypatch.setattr(compact, "ROW_GROUP_HITS", 100)
    monkeypatch.setattr(compact, "FILE_HITS", 400)
    files: list[list[bytes]] = []
    for number, run_bytes in enumerate((1, 50_000, 1 << 26)):
        monkeypatch.setattr(sorted_hits, "RUN_BYTES", run_bytes)
        run = f"{tmp_path}/{number}"
        written(run, hits, 2)
        names = finish(run, record())["hits_files"]
        assert len(names) == 3
        files.append([Path(layout.hits_uri(run, name)).read_bytes() for name in names])
    assert files[0] == files[1] == files[2]


CARRIED = pa.schema([pa.field("body", pa.string())])


def fat_hits(run: str, splits: int, hits_a_split: int, row_group_hits: int) -> None:
    """Splits whose hits carry 1,000 bytes each."""
    for split in range(splits):
        found = [hit("fraud.a", split * 100 + row, body="x" * 1000) for row in range(hits_a_split)]
        own = commit_split(run, split, found, carry=CARRIED)
        table = pa.Table.from_pylist(found, hits_schema(CARRIED))
        uri = layout.split_hits_uri(run, own.hits_file or "")
        pq.write_table(table, uri, row_group_size=row_group_hits)


def test_files_and_row_groups_end_where_hits_carry_much_however_they_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compact, "ROW_GROUP_BYTES", 10_000)
    monkeypatch.setattr(compact, "_FILE_BYTES", 60_000)
    made: list[list[bytes]] = []
    for number, run_bytes in enumerate((1, 50_000, 1 << 26)):
        monkeypatch.setattr(sorted_hits, "RUN_BYTES", run_bytes)
        run = f"{tmp_path}/{number}"
        fat_hits(run, splits=4, hits_a_split=25, row_group_hits=7 + number)
        files = [layout.hits_uri(run, name) for name in finish(run, record(carry=CARRIED))["hits_files"]]
        assert len(files) > 1
        parts = [pq.read_metadata(uri) for uri in files]
        rows = [part.row_group(each).num_rows for part in parts for each in range(part.num_row_groups)]
        assert (max(rows) < 10, sum(rows)) == (True, 100)
        made.append([Path(uri).read_bytes() for uri in files])
    assert made[0] == made[1] == made[2]


def test_batches_of_hits_that_carry_much_hold_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_hits, "BATCH_BYTES", (1, 5_000))
    run, schema = str(tmp_path), hits_schema(CARRIED)
    fat_hits(run, splits=2, hits_a_split=20, row_group_hits=20)
    files = [split_hits.HitsFileInfo("/archive/a.parquet", n, f"{n:032x}.parquet", 20) for n in range(2)]
    with Shelf() as shelf:
        hits = SortedHits(split_hits.read_pieces(run, files, schema), shelf, 40)
        tables = list(hits)
    assert sum(map(len, tables)) == 40
    assert max(map(len, tables)) <= 5


def test_hits_that_carry_much_are_read_a_row_group_at_a_time_and_few_files_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, schema = str(tmp_path), hits_schema(CARRIED)
    fat_hits(run, splits=4, hits_a_split=20, row_group_hits=5)
    files = [split_hits.HitsFileInfo("/archive/a.parquet", n, f"{n:032x}.parquet", 20) for n in range(4)]
    whole: list[str] = []

    def read_bytes(uri: str) -> bytes:
        whole.append(uri)
        return storage.read_bytes(uri)

    monkeypatch.setattr(
        split_hits, "storage", SimpleNamespace(read_bytes=read_bytes, open_input=storage.open_input)
    )
    pieces = list(split_hits.read_pieces(run, files, schema))
    assert [len(piece.hits) for piece in pieces] == [5] * 16
    assert len(whole) == 4
    whole.clear()
    monkeypatch.setattr(split_hits, "_EMPTY_FILE_BYTES", 0)
    monkeypatch.setattr(split_hits, "WHOLE_BYTES", 10)
    assert [piece.hits for piece in split_hits.read_pieces(run, files, schema)] == [
        each.hits for each in pieces
    ]
    assert len(whole) == 1, "what is known of the first one tells that the others do not fit"


def test_a_filter_on_one_signature_reads_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = str(tmp_path)
    monkeypatch.setattr(compact, "ROW_GROUP_HITS", 10)
    for split in range(4):
        rows = range(split * 100, split * 100 + 20)
        commit_split(run, split, [hit(name, row) for row in rows for name in NAMES])
    (name,) = finish(run, record())["hits_files"]
    file = pq.ParquetFile(layout.hits_uri(run, name))
    column = file.schema_arrow.get_field_index("signature_id")
    groups = [file.metadata.row_group(number).column(column) for number in range(file.num_row_groups)]
    bounds: list[Any] = [group.statistics for group in groups]
    assert sum(each.min <= "fraud.b" <= each.max for each in bounds) == 8 == len(bounds) // 3
    assert file.metadata.row_group(0).sorting_columns[0].column_index == column
