import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.macro.contestants import EVERYBODY, enter, is_installed
from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.measure import Agreed, agree, measure
from benchmarks.macro.portable import escaped, in_rust, is_portable
from benchmarks.macro.record import make_record, write_record
from benchmarks.macro.workload import Answer, Workload, write_texts
from benchmarks.macro.workloads import recipes
from tests.support.signatures import literal, regex, ruleset, signature

HERE = [name for name in EVERYBODY if is_installed(name) and name != "ray-data"]
"""Ray takes too long to start for a unit test."""

STARTED = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", ["regexes-100", "pack", "literals-1000"])
def test_everybody_finds_the_same(name: str, tmp_path: Path) -> None:
    workload = recipes()[name].make(tmp_path, 3_000)
    names = [each for each in HERE if each in recipes()[name].contestants]
    agreed = agree(enter(names, workload), workload)
    assert agreed is not None
    assert len(agreed.entries) == len(names) + 1  # the floor has two halves
    assert agreed.hits >= agreed.rows_hit > 0


def test_chdb_takes_part_where_it_is_installed(tmp_path: Path) -> None:
    if not is_installed("chdb"):
        pytest.skip("chdb is installed by `make bench` alone")
    workload = recipes()["regexes-10"].make(tmp_path, 1_000)
    assert [each.name for each in enter(["chdb"], workload)] == ["chDB, multiMatchAllIndices"]


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    path = tmp_path / "texts.parquet"
    write_texts(path, ["nothing", "a curl\nhere", None, "CURL curl é", "", "wget and curl"])
    rules = ruleset(
        signature("curl", regex("curl", "i")),
        signature(
            "only-curl", regex("curl", name="curl"), regex("wget", name="wget"), condition="curl and not wget"
        ),
        signature("allowed", regex(r"\bcurl\b"), allow=[literal("é")]),
    )
    return Workload("tiny", "a few texts", path, rules)


@pytest.mark.parametrize("name", [name for name in HERE if name != "floor"])
def test_conditions_and_nulls(name: str, workload: Workload) -> None:
    (one,) = enter([name], workload)
    assert one.answer is not None
    answer = one.answer(one.run(workload.path))
    assert answer.signatures is not None
    pairs = set(zip(answer.rows.tolist(), answer.signatures.tolist(), strict=True))
    assert pairs == {(1, 0), (3, 0), (5, 0), (1, 1), (3, 1), (1, 2), (5, 2)}


def answering(name: str, rows: list[int], signatures: list[int] | None) -> Contestant:
    which = None if signatures is None else np.array(signatures, np.int64)
    return Contestant(name, lambda path: path, lambda _: Answer(np.array(rows, np.int64), which), whole=True)


def test_no_speed_where_the_answers_differ(workload: Workload, capsys: pytest.CaptureFixture[str]) -> None:
    first = answering("one", [1, 2], [0, 1])
    assert agree([first, answering("two", [2, 1, 1], [1, 0, 0])], workload) is not None
    assert agree([first, answering("two", [1, 2], None)], workload) is not None
    assert agree([first, answering("two", [1, 1], [0, 1])], workload) is None
    assert agree([first, answering("three", [1], None)], workload) is None
    said = capsys.readouterr().out
    assert "two differs from one: 1 hits more, 1 fewer" in said
    assert "three differs from one: 0 hits more, 1 fewer" in said


def test_the_slow_answer_for_a_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "texts.parquet"
    write_texts(path, ["text"] * 20_000)
    workload = Workload("many", "equal texts", path, ruleset(signature("s", regex("x"))))
    read: list[int] = []

    def note(path: Path) -> int:
        read.append(pq.read_metadata(path).num_rows)
        return read[-1]

    rows = [0, 4_095, 4_096, 19_999]
    whole = answering("one", rows, [0] * 4)
    part = Contestant(
        "two", note, lambda count: Answer(np.array([row for row in rows if row < count], np.int64))
    )
    agreed = agree([whole, part], workload, slow_s=-1.0)
    assert agreed is not None
    assert [entry.rows for entry in agreed.entries] == [20_000, 4_096]
    assert set(read) == {4_096}


def measured(workload: Workload) -> tuple[Agreed, dict[str, Any]]:
    agreed = agree([answering("one", [1], [0]), answering("two", [1], None)], workload)
    assert agreed is not None
    measure(agreed.entries, rounds=3)
    return agreed, make_record(workload, agreed, STARTED)


def test_a_record_says_what_its_numbers_depend_on(workload: Workload) -> None:
    agreed, record = measured(workload)
    assert [len(entry.wall_s) for entry in agreed.entries] == [3, 3]
    assert record["command"] == "python -m benchmarks.macro tiny"
    assert record["workload"]["texts"] == 6
    assert record["workload"]["hits"] == 1
    assert record["machine"]["cores"] >= 1
    assert record["versions"]["pyarrow"] == pa.__version__
    assert [row["answer"] for row in record["results"]] == ["row, signature", "row"]


def test_a_record_takes_the_place_of_the_one_before(workload: Workload, tmp_path: Path) -> None:
    _, record = measured(workload)
    out = tmp_path / "results"
    other = write_record({**record, "benchmark": "tiny-2"}, STARTED, out)
    first = write_record(record, STARTED, out)
    second = write_record(record, STARTED.replace(hour=20), out)
    assert not first.exists()
    assert {file.name for file in out.iterdir()} == {other.name, second.name}
    assert json.loads(second.read_text())["workload"]["hits"] == 1


@pytest.mark.parametrize(
    "pattern",
    [
        regex("a(?=b)"),
        regex(r"(a)\1"),
        regex("a{,3}"),
        regex(r"(?x) a b"),
        regex("a", "u"),
        regex("a{2000}"),
        literal("a", whole_word=True),
    ],
    ids=str,
)
def test_what_not_all_read_alike_is_left_out(pattern: Any) -> None:
    assert is_portable(signature("s", regex("fine")))
    assert not is_portable(signature("s", pattern))
    assert not is_portable(signature("s", regex("fine"), allow=[pattern]))


def test_a_literal_is_spelled_as_itself() -> None:
    text = r"a.b*c+(d)|[e]{2}^$\w?-<>#é"
    assert pa.compute.match_substring_regex(pa.array([text, text.upper()]), escaped(text)).to_pylist() == [
        True,
        False,
    ]
    assert in_rust(r"\bx\\d\d\.") == r"(?-u:\b)x\\d[0-9]\."
