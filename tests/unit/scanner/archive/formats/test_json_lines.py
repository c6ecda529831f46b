import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from scanner.archive.columns.cells import extract
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import make_plan
from scanner.archive.read import Batch, Gap
from scanner.errors import HuntError

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


@pytest.mark.parametrize(
    ("path", "known", "late"),
    [
        ("caption", "{}", '{"caption":"late"}'),
        ("author.bio", '{"author":{"name":"n"}}', '{"author":{"name":"n","bio":"late"}}'),
        ("author.bio", '{"author":null}', '{"author":{"bio":"late"}}'),
        ("tags[]", "{}", '{"tags":["late"]}'),
        ("posts[].text", '{"posts":[]}', '{"posts":[{"text":"late"}]}'),
        ("posts[].text", '{"posts":[{"n":1}]}', '{"posts":[{"n":1,"text":"late"}]}'),
        ("caption", "{}", '{"caption":"late"}\n{"text":5}'),
    ],
)
def test_an_optional_column_that_comes_late_is_read(path: str, known: str, late: str, tmp_path: Path) -> None:
    first = [json.dumps({"text": "a", "lang": "en", **json.loads(known)})] * 50
    batches, gaps = read(tmp_path / "a.jsonl", [*first, late], ["text", path], path)
    assert gaps == []
    assert "late" in texts(batches, path)
    assert texts(batches, "text")[:50] == ["a"] * 50


def test_an_optional_column_that_stands_in_the_path_is_not_taken_from_lines(tmp_path: Path) -> None:
    folder = tmp_path / "lang=en"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text":"a"}\n')
    plan = make_plan([str(folder)], ["text", "lang"], carry=["lang"], format="jsonl", optional=["lang"])
    [split] = plan.splits
    assert split.columns == ("text",)
    [batch] = read_split(split, ["text", "lang"])
    assert isinstance(batch, Batch)
    assert batch.data.to_pylist() == [{"text": "a", "lang": "en"}]


def test_a_small_packed_file_that_is_cut_short_says_so(tmp_path: Path) -> None:
    """It was said to have no columns."""
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text":"a"}\n' * 100)[:-12])
    with pytest.raises(HuntError, match="Truncated compressed stream"):
        make_plan([str(tmp_path / "a.jsonl.gz")], ["text"])
