import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.datagen.archive import TRUTH_SCHEMA, write_archive
from benchmarks.datagen.languages import read_languages
from benchmarks.datagen.planted import COLUMNS, read_plantings
from benchmarks.datagen.records import SCHEMA
from benchmarks.datagen.truth import compare
from scanner.engine.oracle import OracleMatcher
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.load import read_signatures
from scanner.signatures.model import Ruleset

PACK = Path(__file__).parents[3] / "jobs" / "examples" / "signatures"
RECORDS, FILES = 4_000, 2


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder, RECORDS, FILES, seed=3)
    return folder


@pytest.fixture(scope="module")
def pack() -> Ruleset:
    signatures = read_signatures([PACK]).signatures
    return Ruleset(signatures, ruleset_digest(signatures))


def _files(out: Path) -> list[Path]:
    return sorted((out / "archive").iterdir())


def _digest(out: Path) -> str:
    digest = hashlib.sha256()
    for path in (*_files(out), out / "truth.parquet"):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _cells(row: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Path, column and text of every text cell of a record, by plain Python."""
    yield "text", "text", row["text"]
    yield "caption", "caption", row["caption"]
    yield "author.bio", "author.bio", (row["author"] or {}).get("bio")
    for at, reply in enumerate(row["replies"] or ()):
        yield f"replies[{at}].text", "replies[].text", reply["text"]


def _hits_by_oracle(path: Path, pack: Ruleset) -> list[dict[str, object]]:
    rows = pq.read_table(path).to_pylist()
    matcher = OracleMatcher(pack)
    hits = []
    for wanted in COLUMNS:
        cells = [
            (row, record["comment_id"], place, text)
            for row, record in enumerate(rows)
            for place, column, text in _cells(record)
            if column == wanted
        ]
        matches = matcher.match(pa.array([text for *_, text in cells], pa.string()), wanted)
        assert not matches.errors
        for cell, number in zip(matches.cells.tolist(), matches.signatures.tolist(), strict=True):
            row, comment_id, place, _ = cells[cell]
            hits.append(
                {
                    "source_uri": str(path),
                    "row_index": row,
                    "column": place,
                    "signature_id": pack.signatures[number].id,
                    "record_id": comment_id,
                }
            )
    return hits


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(out: Path, tmp_path: Path) -> None:
    write_archive(tmp_path / "again", RECORDS, FILES, seed=3)
    write_archive(tmp_path / "other", RECORDS, FILES, seed=4)
    assert _digest(tmp_path / "again") == _digest(out)
    assert _digest(tmp_path / "other") != _digest(out)


def test_writing_again_replaces_what_an_earlier_call_left(out: Path, tmp_path: Path) -> None:
    write_archive(tmp_path, RECORDS, FILES + 3, seed=8)
    write_archive(tmp_path, RECORDS, FILES, seed=3)
    assert _digest(tmp_path) == _digest(out)


def test_files_have_the_schema_several_row_groups_and_zstd(out: Path) -> None:
    assert len(_files(out)) == FILES
    for path in _files(out):
        metadata = pq.read_metadata(path)
        assert metadata.schema.to_arrow_schema().equals(SCHEMA)
        assert metadata.num_row_groups > 1
        assert metadata.row_group(0).column(0).compression == "ZSTD"
    assert pq.read_schema(out / "truth.parquet").equals(TRUTH_SCHEMA)


def test_records_look_like_an_archive(out: Path) -> None:
    table = pq.read_table(out / "archive")
    assert table.num_rows == RECORDS
    assert pc.count_distinct(table["comment_id"]).as_py() == RECORDS
    assert table["text"].null_count == 0
    assert 80 < pc.mean(pc.binary_length(table["text"])).as_py() < 115
    assert sum("\n" in text for text in _strings(table, "text")) > RECORDS / 100
    assert RECORDS / 2 < table["caption"].null_count < RECORDS
    assert 0 < table["author"].null_count < RECORDS / 20
    assert RECORDS / 4 < table["replies"].null_count < RECORDS
    assert 0 in pc.list_value_length(table["replies"]).to_pylist()
    assert set(_strings(table, "lang")) == {language.code for language in read_languages()}
    posts = Counter(_strings(table, "author_id"))
    assert max(posts.values()) > 20 * RECORDS / len(posts)
    times = table["created_at"].cast(pa.int64()).to_numpy()
    assert (times[1:] >= times[:-1]).all()
    assert times[-1] - times[0] > 200 * 86_400_000_000


def test_the_pack_hits_exactly_what_the_truth_says(out: Path, pack: Ruleset) -> None:
    hits = [hit for path in _files(out) for hit in _hits_by_oracle(path, pack)]
    verdict = compare(pq.read_table(out / "truth.parquet"), pa.Table.from_pylist(hits))
    assert verdict.missed == ()
    assert verdict.beyond == ()
    assert verdict.planted == len(hits)


def test_every_column_and_every_signature_of_the_pack_is_planted_several_times(
    out: Path, pack: Ruleset
) -> None:
    truth = pq.read_table(out / "truth.parquet")
    counts = Counter(_strings(truth, "signature_id"))
    assert set(counts) == {signature.id for signature in pack.signatures}
    assert min(counts.values()) >= 4
    columns = {column.split("[")[0] for column in _strings(truth, "column")}
    assert columns == {column.split("[")[0] for column in COLUMNS}


def test_plantings_are_written_for_signatures_that_exist(pack: Ruleset) -> None:
    known = {signature.id for signature in pack.signatures}
    for planting in read_plantings():
        assert {
            planting.signature_id,
            *(also for template in planting.templates for also in template.also),
        } <= known


def test_a_missed_a_surplus_and_a_doubled_hit_are_told(out: Path) -> None:
    truth = pq.read_table(out / "truth.parquet")
    hits = truth.rename_columns({"source_file": "source_uri", "comment_id": "record_id"})
    assert compare(truth, hits).exact
    assert len(compare(truth, hits.slice(1)).missed) == 1
    doubled = compare(truth, pa.concat_tables([hits, hits.slice(0, 1)]))
    assert len(doubled.beyond) == 1
    surplus = compare(truth.slice(1), hits)
    assert (
        str(surplus) == f"planted {len(truth) - 1:,}  found {len(truth) - 1:,}  missed 0  beyond the plan 1"
    )
    assert not surplus.exact


def _strings(table: pa.Table, column: str) -> list[str]:
    return [str(value) for value in table[column].to_pylist()]
