import json
from pathlib import Path

import pyarrow as pa
import pytest

from scanner.archive.columns.cells import extract
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import make_plan
from scanner.archive.read import Batch, Gap

DEEP = '{"text":"deep","meta":' + "[" * 20_000 + "]" * 20_000 + "}"


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.archive.formats.lines.BLOCK_BYTES", 200)
    monkeypatch.setattr("scanner.archive.formats.lines._READ_BYTES", 100)


def read(
    path: Path, lines: list[str], columns: str | list[str], *optional: str
) -> tuple[list[Batch], list[Gap]]:
    path.write_text("\n".join(lines) + "\n")
    plan = make_plan([str(path)], "auto" if columns == "auto" else list(columns), optional=optional)
    [split] = plan.splits
    pieces = list(read_split(split, split.columns))
    return [each for each in pieces if isinstance(each, Batch)], [
        each for each in pieces if isinstance(each, Gap)
    ]


def texts(batches: list[Batch], path: str) -> list[str | None]:
    return [
        cell for batch in batches for cell in extract(batch.data, path).values.cast(pa.string()).to_pylist()
    ]


@pytest.mark.parametrize("before", [0, 100])
@pytest.mark.parametrize("columns", ["auto", ["text"]])
def test_lines_nested_so_deep_that_parsers_crash_are_left_out_alone(
    before: int, columns: str | list[str], tmp_path: Path
) -> None:
    lines = [json.dumps({"text": f"a{n}"}) for n in range(before)] + [DEEP] + ['{"text":"b"}'] * 2
    batches, gaps = read(tmp_path / "a.jsonl", lines, columns)
    assert texts(batches, "text") == [*(f"a{n}" for n in range(before)), "b", "b"]
    assert [(gap.rows, gap.partial) for gap in gaps] == [(1, True)]
    assert gaps[0].reason.endswith(f"the first is line {before + 1}")
    assert "nested too deep" in gaps[0].reason


def test_lines_that_nest_on_from_each_other_do_not_crash(tmp_path: Path) -> None:
    lines = ['{"text":"a"}'] * 50 + ['{"text":['] * 20_000
    batches, gaps = read(tmp_path / "a.jsonl", lines, ["text"])
    assert texts(batches, "text") == ["a"] * 50
    assert sum(gap.rows for gap in gaps) == 20_000


LATE = (
    '{"text":"a","author":{"name":"n","bio":"late"}}',
    '{"text":"a","tags":["late"],"o":{"t":["x",{"deep":"late"}]},"geo":"late","n":"late"}',
)


@pytest.mark.parametrize("odd", [[], ["no json"], ['{"text":5}'], ['{"text":"a","geo":{"lat":1}}']])
def test_nested_text_that_comes_late_is_told_even_where_lines_are_read_one_by_one(
    odd: list[str], tmp_path: Path
) -> None:
    first = ['{"text":"a","author":{"name":"n"},"geo":{"lat":1.5},"n":1}'] * 10
    _, gaps = read(tmp_path / "a.jsonl", [*first, LATE[0], *odd], "auto")
    assert [gap.reason.rpartition(": ")[2] for gap in gaps if not gap.rows] == ["`author.bio`"]
    _, gaps = read(tmp_path / "a.jsonl", [*first, LATE[1], '{"text":5}', *odd], "auto")
    told = gaps[-1].reason.rpartition(": ")[2]
    assert told == "`tags[]`, `o.t[]`, `o.t[].deep`, `geo`, `n`"
