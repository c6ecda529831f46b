import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.archive.formats import json_width
from scanner.archive.formats.doors import read_split
from scanner.archive.formats.json_lines import JsonLines
from scanner.archive.formats.json_types import MixedError, joined
from scanner.archive.formats.json_width import MAX_FIELDS, cells_of, pieces
from scanner.archive.plan import make_plan
from scanner.archive.read import Batch, Gap
from scanner.errors import HuntError

MEMORY = """
import resource, sys
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import make_plan
from scanner.archive.read import Batch
from scanner.errors import HuntError
unit = 1 if sys.platform == "darwin" else 1024
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = 0
try:
    [split] = make_plan([sys.argv[1]], "auto").splits
    for piece in read_split(split, split.columns):
        rows += piece.data.num_rows if isinstance(piece, Batch) else 0
except HuntError as error:
    print(error, file=sys.stderr)
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit >> 20)
"""

LINES = st.lists(st.text(st.sampled_from('{:",x'), max_size=8).map(str.encode), max_size=12)


def another_key_each(count: int, value: object = "v") -> str:
    return "".join(json.dumps({"text": "t", f"k{number}": value}) + "\n" for number in range(count))


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def measured(path: Path) -> tuple[int, int, str]:
    """Rows that were read, the mebibytes that it took, and the error."""
    words = [sys.executable, "-c", MEMORY, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env=dict(os.environ))
    rows, mebibytes = map(int, done.stdout.split())
    return rows, mebibytes, done.stderr


def test_a_beginning_of_another_key_each_line_is_refused_in_little_memory(tmp_path: Path) -> None:
    """Each key was a column of all rows: this half megabyte took four gigabytes."""
    rows, mebibytes, error = measured(write(tmp_path / "a.jsonl", another_key_each(20_000)))
    assert rows == 0
    assert f"its first 4 MB have more than {MAX_FIELDS} different fields" in error
    assert mebibytes < 600


def test_another_key_each_line_that_comes_late_is_told_in_little_memory(tmp_path: Path) -> None:
    first = json.dumps({"text": "x" * 1000}) + "\n"
    rows, mebibytes, error = measured(
        write(tmp_path / "a.jsonl", first * 5_000 + another_key_each(20_000, 1) + another_key_each(40_000))
    )
    assert (rows, error) == (65_000, "")
    assert mebibytes < 600


def test_fields_of_text_that_come_late_are_told_where_lines_are_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.archive.formats.lines.BLOCK_BYTES", 2000)
    monkeypatch.setattr("scanner.archive.formats.lines._READ_BYTES", 1000)
    for module in ("json_width", "json_lines"):
        monkeypatch.setattr(f"scanner.archive.formats.{module}.MAX_CELLS", 40)
    many = [{"text": "many", "posts": [{f"n{number}": number} for number in range(30)] + [{"late": "late"}]}]
    lines = [{"text": f"a{number}"} for number in range(200)] + many + [{"text": "b", "n": 1}] * 5
    path = write(tmp_path / "a.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    [split] = make_plan([str(path)], "auto").splits
    found = list(read_split(split, split.columns))
    texts = [text for each in found if isinstance(each, Batch) for text in each.data["text"].to_pylist()]
    assert texts == [line["text"] for line in lines]
    [gap] = [each for each in found if isinstance(each, Gap)]
    assert gap.reason.endswith("do not have: `posts[].late`")


def test_a_line_of_too_many_cells_at_the_beginning_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("json_width", "json_lines"):
        monkeypatch.setattr(f"scanner.archive.formats.{module}.MAX_CELLS", 400)
    honest = [{"a": number} for number in range(100)]
    path = write(tmp_path / "a.jsonl", json.dumps({"text": "t", "posts": honest}) + "\n")
    assert len(make_plan([str(path)], ["text"]).splits) == 1
    wide = [{f"n{number}": number} for number in range(100)]
    write(path, json.dumps({"text": "t", "posts": wide}) + "\n")
    with pytest.raises(HuntError, match="different fields"):
        make_plan([str(path)], ["text"])


@given(LINES, st.integers(0, 5), st.booleans(), st.booleans())
def test_pieces_are_all_lines_and_each_is_small_or_a_line_alone(
    lines: list[bytes], columns: int, any_key: bool, ended: bool
) -> None:
    block = b"\n".join(lines) + (b"\n" if ended else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_width, "MAX_CELLS", 6)
        found = list(pieces(block, columns, any_key=any_key))
    assert b"".join(piece for _, piece in found) == block
    line = 0
    for place, piece in found:
        assert place == line
        line += piece.count(b"\n")
        keys = max(columns, piece.count(b":") if any_key else 0)
        assert piece.count(b"{") * keys <= 6 or b"\n" not in piece[:-1]


@pytest.mark.parametrize(
    ("first", "then", "known"),
    [
        ("1", "1.5", "double"),
        ("null", '"a"', "string"),
        ('"2024-01-01T00:00:00Z"', '"a"', "string"),
        ("1", '"a"', "string"),
        ("true", "1", "string"),
        ('{"b":1}', '{"c":["x"]}', "struct<b: int64, c: list<item: string>>"),
        ("[]", "[1]", "list<item: int64>"),
    ],
)
@pytest.mark.parametrize("cells", [8, 1 << 20])
def test_types_are_the_same_whether_lines_are_looked_at_together_or_not(
    cells: int, first: str, then: str, known: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_width, "MAX_CELLS", cells)
    path = write(tmp_path / "a.jsonl", f'{{"a":{first}}}\n' * 10 + f'{{"a":{then}}}\n' * 10)
    assert str(JsonLines().schema(lambda: path.open("rb")).field("a").type) == known


def test_types_without_one_in_common_have_none() -> None:
    with pytest.raises(MixedError):
        joined(pa.struct([("a", pa.int64())]), pa.string())


def test_cells_are_objects_times_the_keys_of_all_in_one_place() -> None:
    assert cells_of([{"a": 1}, {"b": 2}]) == 4
    assert cells_of([{"a": [{"x": 1}, {"y": 1}, {"x": 2}]}]) == 1 + 6
