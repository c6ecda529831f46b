import json
import struct
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from pyiceberg.manifest import DataFileContent

from scanner.archive.formats.doors import read_split
from scanner.archive.plan import Plan, make_plan
from scanner.archive.read import Batch
from scanner.archive.where import Predicate
from scanner.errors import HuntError, SourceError
from tests.support import iceberg

_TYPES: dict[str, pa.DataType] = {"id": pa.int64(), "lang": pa.string(), "text": pa.string()}
SCHEMA = pa.schema(_TYPES)


def rows(*ids: int, lang: str = "en") -> pa.Table:
    return pa.table({"id": ids, "lang": [lang] * len(ids), "text": [f"text {n}" for n in ids]}, schema=SCHEMA)


def records(plan: Plan, where: Predicate | None = None) -> dict[int, tuple[str, str, int]]:
    """By id: text, language, and index in its file."""
    found = {}
    for split in plan.splits:
        for batch in read_split(split, ["text", "id", "lang"], where=where):
            assert isinstance(batch, Batch)
            places = batch.in_file(pa.array(range(batch.data.num_rows), pa.int64()).to_numpy())
            for row, place in zip(batch.data.to_pylist(), places.tolist(), strict=True):
                found[row["id"]] = (row["text"], row["lang"], place)
    return found


@pytest.fixture
def delta(tmp_path: Path) -> str:
    """Version 0 has ids 1 to 3, version 1 also 4 and 5, version 2 has lost id 1."""
    uri = str(tmp_path / "delta")
    write_deltalake(uri, pa.concat_tables([rows(1, 2), rows(3, lang="a b/\u00fc:")]), partition_by=["lang"])
    write_deltalake(uri, rows(4, 5), mode="append")
    DeltaTable(uri).delete("id = 1")
    return uri


@pytest.mark.parametrize(("version", "ids"), [(None, {2, 3, 4, 5}), (0, {1, 2, 3}), (1, {1, 2, 3, 4, 5})])
def test_a_delta_table_is_hunted_at_its_version(delta: str, version: int | None, ids: set[int]) -> None:
    plan = make_plan([delta], ["text"], record_id="id", carry=["lang"], format="delta", at=version)
    found = records(plan)
    assert found.keys() == ids
    assert found[3][:2] == ("text 3", "a b/\u00fc:")
    assert all(Path(split.source_uri).is_file() for split in plan.splits)
    assert plan.splits[0].format == "parquet"


def test_partitions_of_a_delta_table_are_pruned(delta: str) -> None:
    where = Predicate.parse("lang = 'en' and id > 3")
    plan = make_plan([delta], ["text"], format="delta", where=where)
    assert records(plan, where).keys() == {4, 5}
    assert [removed.step for removed in plan.pruned][:1] == ["partitions"]


def test_a_file_of_a_table_that_is_gone_is_set_aside(delta: str) -> None:
    next(Path(delta).glob("lang=a*/*.parquet")).unlink()
    plan = make_plan([delta], ["text"], format="delta")
    assert [file.reason for file in plan.unreadable] == ["is not there"]
    assert records(plan).keys() == {2, 4, 5}


@pytest.mark.parametrize(
    ("name", "version", "reason"),
    [
        ("delta", 99, "cannot be read as a Delta table: .*99"),
        ("nowhere", None, "cannot be read as a Delta table"),
    ],
)
def test_what_is_no_delta_table_is_refused(
    delta: str, name: str, version: int | None, reason: str, tmp_path: Path
) -> None:
    assert delta
    with pytest.raises(HuntError, match=reason):
        make_plan([str(tmp_path / name)], ["text"], format="delta", at=version)


def log(table: Path, *actions: dict[str, Any]) -> None:
    (table / "_delta_log").mkdir(parents=True)
    lines = "".join(json.dumps(action) + "\n" for action in actions)
    (table / "_delta_log" / f"{0:020}.json").write_text(lines)


def delta_by_hand(table: Path, configuration: dict[str, str], **add: Any) -> None:
    """A table of one file, with features that deltalake does not write."""
    fields = [{"name": "text", "type": "string", "nullable": True, "metadata": {}}]
    features = ["deletionVectors"] if "deletionVector" in add else []
    protocol = {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": features,
        "writerFeatures": features,
    }
    log(
        table,
        {"protocol": protocol},
        {
            "metaData": {
                "id": "7f6f2a4e-1111-4222-8333-444455556666",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": fields}),
                "partitionColumns": [],
                "configuration": configuration,
                "createdTime": 0,
            }
        },
        {
            "add": {
                "path": "a.parquet",
                "partitionValues": {},
                "size": (table.parent / "a.parquet").stat().st_size,
                "modificationTime": 0,
                "dataChange": True,
                **add,
            }
        },
    )
    (table.parent / "a.parquet").rename(table / "a.parquet")


Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

# Magic number; one bitmap, for rows below 2^32; of it the cookie, one container, its key, its length less one, its
# offset; and the rows.
ROWS_1_AND_2 = struct.pack("<IQIIIHHIHH", 1681511377, 1, 0, 12346, 1, 0, 1, 16, 1, 2)


def z85(data: bytes) -> str:
    """Base85 as ZeroMQ and Delta have it."""
    words = [int.from_bytes(data[place : place + 4], "big") for place in range(0, len(data), 4)]
    return "".join(Z85[word // 85**power % 85] for word in words for power in (4, 3, 2, 1, 0))


def test_deletion_vectors_are_refused_by_name(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": [f"text {row}" for row in range(30)]}), tmp_path / "a.parquet")
    vector = {"storageType": "i", "pathOrInlineDv": z85(ROWS_1_AND_2), "sizeInBytes": 36, "cardinality": 2}
    delta_by_hand(
        tmp_path / "t",
        {"delta.enableDeletionVectors": "true"},
        deletionVector=vector,
        stats='{"numRecords": 30}',
    )
    with pytest.raises(HuntError, match="deletion vectors, which are not built yet"):
        make_plan([str(tmp_path / "t")], ["text"], format="delta")


def test_tables_without_their_library_say_what_to_install(
    delta: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("deltalake", "pyiceberg"):
        monkeypatch.setitem(sys.modules, package, None)
    for name in ("delta", "iceberg"):
        with pytest.raises(HuntError, match=r"pip install 'hindcast\[tables\]'"):
            make_plan([delta], ["text"], format=name)
    assert tmp_path.exists()


def test_an_iceberg_table_is_hunted_at_its_snapshot(tmp_path: Path) -> None:
    with iceberg.table(tmp_path / "lake", SCHEMA) as table:
        table.append(rows(1, 2, 3))
        first = table.metadata.current_snapshot_id
        table.append(rows(4))
        location = table.location()
        assert records(make_plan([location], ["text"], format="iceberg")).keys() == {1, 2, 3, 4}
        assert records(make_plan([location], ["text"], format="iceberg", at=first)).keys() == {1, 2, 3}
        assert records(make_plan([table.metadata_location], ["text"], format="iceberg")).keys() == {
            1,
            2,
            3,
            4,
        }
        with pytest.raises(HuntError, match=f"there is no snapshot 1; there are .*{first}"):
            make_plan([location], ["text"], format="iceberg", at=1)
    with pytest.raises(HuntError, match="is no Iceberg table"):
        make_plan([str(tmp_path)], ["text"], format="iceberg")


def test_what_stands_in_the_paths_of_an_iceberg_table_says_nothing(tmp_path: Path) -> None:
    """It writes `New+York` and `null` there, and `null` for partitions that were given up."""
    with iceberg.table(tmp_path / "lake", SCHEMA) as table:
        without_lang = (
            rows(3).drop(["lang"]).add_column(1, "lang", pa.chunked_array([pa.nulls(1, pa.string())]))
        )
        with table.update_spec() as spec:
            spec.add_identity("lang")
        table.append(
            pa.concat_tables(
                [
                    rows(1, lang="New York"),
                    rows(2),
                    without_lang,
                ]
            )
        )
        for text, ids in {"lang = 'New York'": {1}, "lang is null": {3}, "lang = 'en'": {2}}.items():
            where = Predicate.parse(text)
            plan = make_plan([table.location()], ["text"], carry=["lang"], format="iceberg", where=where)
            assert records(plan, where).keys() == ids


def test_rows_that_an_iceberg_table_deletes_by_position_do_not_turn_up(tmp_path: Path) -> None:
    with iceberg.table(tmp_path / "lake", SCHEMA) as table:
        table.append(rows(*range(100)))
        whole = make_plan([table.location()], ["text"], format="iceberg")
        table.append(rows(*range(100, 110)))
        by_size = sorted(
            iceberg.data_files(table), key=lambda path: Path(path.removeprefix("file://")).stat().st_size
        )
        small, large = by_size
        iceberg.delete_rows(table, tmp_path, [(large, row) for row in (0, 7, 99)])
        iceberg.delete_rows(table, tmp_path, [(large, 8), (small, 0)])
        plan = make_plan([table.location()], ["text"], format="iceberg")
        found = records(plan)
        assert found.keys() == set(range(110)) - {0, 7, 8, 99, 100}
        assert {number: place for number, (_, _, place) in found.items()} == {
            number: number % 100 if number < 100 else number - 100 for number in found
        }
        where = Predicate.parse("id < 10")
        some = make_plan([table.location()], ["text"], format="iceberg", where=where)
        assert records(some, where).keys() == {1, 2, 3, 4, 5, 6, 9}
        [batch] = [each for split in some.splits for each in read_split(split, ["text", "id"], where=where)]
        assert isinstance(batch, Batch)
        assert batch.rows_filtered == 100 - 4 - 7
        assert {split.split_id for split in whole.splits}.isdisjoint(split.split_id for split in plan.splits)

        Path(plan.splits[0].deletes[0]).write_bytes(b"damaged")
        with pytest.raises(SourceError):
            records(plan)


def test_what_of_iceberg_is_not_built_is_refused_by_name(tmp_path: Path) -> None:
    with iceberg.table(tmp_path / "lake", SCHEMA) as table:
        table.append(rows(1, 2, 3))
        iceberg.delete_rows(table, tmp_path, [("x", 1)], DataFileContent.EQUALITY_DELETES)
        with pytest.raises(HuntError, match=r"(?i)equality deletes"):
            make_plan([table.location()], ["text"], format="iceberg")
    with iceberg.table(tmp_path / "renamed", SCHEMA) as table:
        table.append(rows(1))
        with table.update_schema() as update:
            update.rename_column("text", "body")
        with pytest.raises(HuntError, match="column `body` was renamed or made anew"):
            make_plan([table.location()], ["body"], format="iceberg")
