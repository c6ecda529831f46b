"""Broken and hostile Parquet files: what can be read is hunted, the rest stands in the coverage with its reason."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive.parquet.footer_check import check_footer
from scanner.archive.plan import Plan, make_plan
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matcher
from scanner.engine.program import compile_ruleset
from scanner.errors import HuntError, SourceError
from scanner.results import layout
from scanner.results.coverage import coverage_table
from scanner.scan.split import ScanSettings, run_split
from tests.support.broken import I32, I64, Parquet, Struct, change_footer, change_page
from tests.support.cli import environment
from tests.support.results import committed
from tests.support.signatures import literal, ruleset, signature

GROUPS, ROWS = 3, 40
STARTED = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return HyperscanMatcher(compile_ruleset(ruleset(signature("x", literal("needle")))))


@dataclass(frozen=True)
class Outcome:
    """What became of an archive: rows with hits, and of each row of coverage what it says."""

    rows: list[int]
    coverage: list[tuple[str, tuple[int, ...], str, int]]
    invalid_cells: int

    def groups(self, wanted: str) -> list[int]:
        """The row groups of one status."""
        return sorted(group for _, groups, status, _ in self.coverage if status == wanted for group in groups)


def texts(group: int) -> list[str]:
    """One hit in each row group, in its fifth row."""
    return ["a needle" if row == 5 else f"text {group} {row}" for row in range(ROWS)]


def write(path: Path, **options: Any) -> Path:
    """Three row groups with a hit each; the last column is the text."""
    every = [text for group in range(GROUPS) for text in texts(group)]
    table = pa.table({"id": range(len(every)), "text": every})
    given = {"compression": "snappy", "use_dictionary": False, "write_page_checksum": True, **options}
    pq.write_table(table, path, row_group_size=ROWS, **given)
    return path


def planned(folder: Path) -> Plan:
    return make_plan([str(folder)], ["text"])


def hunted(plan: Plan, folder: Path, matcher: Matcher) -> Outcome:
    """Runs every split as a run does."""
    uri = layout.run_uri(str(folder / "out"), "test", "r1")
    common = ScanSettings(
        hunt="test", run_id="r1", run_uri=uri, columns=plan.columns, record_id=None, actor_id=None,
        event_time=None, carry=plan.carry, evidence="masked", match_key=plan.match_key, started_at=STARTED,
    )  # fmt: skip
    for split in plan.splits:
        run_split(split, matcher, common)
    reports = committed(uri)
    files = [layout.split_hits_uri(uri, report.hits_file) for report in reports if report.hits_file]
    rows: list[Any] = [
        row for file in files for row in pq.read_table(file, partitioning=None)["row_index"].to_pylist()
    ]
    coverage = [
        (Path(row["source_uri"]).name, tuple(row["row_groups"]), row["status"], row["rows"], row["error"])
        for row in coverage_table(reports).to_pylist()
    ]
    for _, _, status, _, error in coverage:
        assert (status == "failed") is bool(error), "what was not read has a reason, and nothing else has"
        assert not error or "needle" not in error
    return Outcome(
        sorted(rows),
        [(name, groups, status, count) for name, groups, status, count, _ in coverage],
        sum(report.invalid_cells for report in reports),
    )


ALL = [5, 5 + ROWS, 5 + 2 * ROWS]
WHOLE = ("a.parquet", (0, 1, 2), "scanned", GROUPS * ROWS)
ONE_LOST = [("a.parquet", (0, 2), "scanned", 2 * ROWS), ("a.parquet", (1,), "failed", 0)]

Change = Callable[[Struct, bytes], bytes]


def header(**fields: Any) -> Change:
    """Changes fields of a page's header: ``f2`` is field 2, ``f5_1`` is field 1 of the struct in field 5."""

    def change(page: Struct, data: bytes) -> bytes:
        for name, value in fields.items():
            *way, last = map(int, name.removeprefix("f").split("_"))
            struct = page
            for number in way:
                struct = struct[number][1]
            struct[last] = (struct[last][0] if last in struct else I32, value)
        return data

    return change


def scrambled(_: Struct, data: bytes) -> bytes:
    return bytes(byte ^ 0x5A for byte in data)


def nothing_but_its_size(page: Struct, data: bytes) -> bytes:
    page.clear()
    page[3] = (I32, len(data))
    return data


PAGES: dict[str, tuple[Change, dict[str, Any]]] = {
    "header of another type": (header(f1=9), {}),
    "no kind of header": (nothing_but_its_size, {}),
    "compressed data damaged": (scrambled, {}),
    "compressed data damaged, zstd": (scrambled, {"compression": "zstd"}),
    "levels damaged": (scrambled, {"compression": "none"}),
    "data cut short": (lambda _, data: data[: len(data) // 2], {"compression": "none"}),
    "no data at all": (lambda _, data: data[:0], {}),
    "uncompressed size too small": (header(f2=3), {}),
    "uncompressed size negative": (header(f2=-1), {}),
    "uncompressed size of two gigabytes": (header(f2=2**31 - 1), {}),
    "compressed size negative": (header(f3=-5), {}),
    "compressed size of two gigabytes": (header(f3=2**31 - 1), {}),
    "values by the billion": (header(f5_1=2**31 - 1), {}),
    "values negative": (header(f5_1=-1), {}),
    "too few values": (header(f5_1=7), {"compression": "none"}),
    "an encoding that does not exist": (header(f5_2=77), {}),
    "an encoding of numbers": (header(f5_2=5), {}),
}


@pytest.mark.parametrize("case", PAGES)
def test_a_broken_page_costs_its_row_group_and_no_other(case: str, tmp_path: Path, matcher: Matcher) -> None:
    change, options = PAGES[case]
    change_page(write(tmp_path / "a.parquet", **options), change)
    outcome = hunted(planned(tmp_path), tmp_path, matcher)
    assert outcome.coverage == ONE_LOST
    assert set(outcome.rows) - {ALL[1]} == {ALL[0], ALL[2]}


def test_a_page_that_does_not_fit_its_checksum(tmp_path: Path, matcher: Matcher) -> None:
    path = write(tmp_path / "a.parquet", compression="none", write_statistics=False)
    data = path.read_bytes()
    assert data.count(b"text 1 7") == 1
    path.write_bytes(data.replace(b"text 1 7", b"needle!!"))
    assert hunted(planned(tmp_path), tmp_path, matcher).coverage == ONE_LOST


def test_dictionary_indices_out_of_range(tmp_path: Path, matcher: Matcher) -> None:
    path = write(tmp_path / "a.parquet", use_dictionary=True)
    # Bit width, then a run of 40 times index 4095.
    change_page(path, lambda _, data: data[:6] + bytes([16, ROWS << 1, 0xFF, 0x0F]), page=1)
    change_footer(path, lambda file: file.columns(1)[1].update({4: (I32, 0)}))
    assert hunted(planned(tmp_path), tmp_path, matcher).coverage == ONE_LOST


def test_text_that_is_not_utf8_is_matched_repaired_and_counted(tmp_path: Path, matcher: Matcher) -> None:
    path = write(
        tmp_path / "a.parquet", compression="none", write_statistics=False, write_page_checksum=False
    )
    data = path.read_bytes()
    path.write_bytes(data.replace(b"text 1 7", b"\xff\xfe\x80t 1 7").replace(b"text 1 8", b"needle\xc3\x28"))
    outcome = hunted(planned(tmp_path), tmp_path, matcher)
    assert outcome.coverage == [WHOLE]
    assert outcome.rows == sorted([*ALL, ROWS + 8])
    assert outcome.invalid_cells == 2


Footer = Callable[[Parquet], object]


def column(**fields: int) -> Footer:
    """Changes the metadata of the text column of the second row group."""

    def change(file: Parquet) -> None:
        for name, value in fields.items():
            file.columns(1)[1][int(name[1:])] = (I64, value)

    return change


def group(**fields: int) -> Footer:
    """Changes the second row group."""

    def change(file: Parquet) -> None:
        for name, value in fields.items():
            file.row_groups[1][int(name[1:])] = (I64, value)

    return change


def integer(number: int, value: int) -> Footer:
    return lambda file: file.columns(1)[1].update({number: (I32, value)})


REACH_BEYOND: dict[str, Footer] = {
    "data beyond the end": column(f9=1 << 40),
    "data before the start": column(f9=-100),
    "data in another column": column(f9=4),
    "a column as long as no disk": column(f7=1 << 50),
    "no values": column(f5=0),
    "no bytes": column(f7=0),
    "more rows than there are": group(f3=ROWS + 1),
    "rows by the trillion": group(f3=1 << 40),
}


@pytest.mark.parametrize("case", REACH_BEYOND)
def test_a_footer_that_is_wrong_about_a_row_group(case: str, tmp_path: Path, matcher: Matcher) -> None:
    change_footer(write(tmp_path / "a.parquet"), REACH_BEYOND[case])
    outcome = hunted(planned(tmp_path), tmp_path, matcher)
    assert (outcome.groups("scanned"), outcome.groups("failed")) == ([0, 2], [1])
    assert len(set(outcome.rows) - {ALL[1]}) == 2


ABORTING: dict[str, Footer] = {
    "a codec that does not exist": integer(4, 99),
    "another type than the schema": integer(1, 2),
    "a column too few": lambda file: file.row_groups[1][1][1][1].pop(),
    "a column too many": lambda file: file.row_groups[1][1][1][1].append(file.row_groups[1][1][1][1][0]),
    "a column without metadata": lambda file: file.row_groups[1][1][1][1][1].pop(3),
    "a histogram of the wrong length": lambda file: file.columns(1)[1].update(
        {16: (12, {3: (9, (6, [1, 2, 3, 4]))})}
    ),
    "repetition that does not exist": lambda file: file.footer[2][1][1][2].update({3: (I32, 9)}),
    "children without end": lambda file: file.footer[2][1][1][0].update({5: (I32, 2**31 - 1)}),
    "negative rows": group(f3=-1),
    "negative size": column(f7=-1),
}
"""What pyarrow asks its library about without catching what that throws; most of these end the process."""


@pytest.mark.parametrize("case", ABORTING)
def test_a_footer_that_would_end_the_process_sets_the_file_aside(
    case: str, tmp_path: Path, matcher: Matcher
) -> None:
    change_footer(write(tmp_path / "a.parquet"), ABORTING[case])
    write(tmp_path / "b.parquet")
    plan = planned(tmp_path)
    [unread] = plan.unreadable
    assert unread.reason
    assert hunted(plan, tmp_path, matcher).rows == ALL


FUZZ = """\
import random, sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive.parquet.footer_check import check_footer
from scanner.errors import SourceError

data = Path(sys.argv[1]).read_bytes()
start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
dice = random.Random(5)
asked = 0
for _ in range(3000):
    footer = bytearray(data[start:])
    for _ in range(dice.choice((1, 1, 2, 4))):
        place = dice.randrange(len(footer) - 8)
        footer[place] = dice.choice((dice.randrange(256), footer[place] ^ 1, footer[place] + 2 & 255))
    try:
        check_footer("a", bytes(footer))
        metadata = pq.ParquetFile(pa.BufferReader(bytes(footer))).metadata
    except (SourceError, pa.ArrowException, OSError, UnicodeDecodeError):
        continue
    asked += 1
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            metadata.row_group(group).column(column).total_compressed_size
print(asked)
"""


def test_no_footer_that_passes_its_check_ends_the_process(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2], "text": ["a", "b"], "many": [[{"x": "a", "y": 1}], []]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1)
    words = [sys.executable, "-c", FUZZ, str(tmp_path / "a.parquet")]
    done = subprocess.run(
        words, env=environment(tmp_path / "home"), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_a_footer_that_claims_a_billion_row_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet")
    footer = Parquet.read(path).footer
    size = path.stat().st_size
    # A list of two billion structs, of which not one follows.
    claimed = bytes([0x15, 2, 0x39, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 7])
    assert footer[1] == (I32, 2)
    path.write_bytes(path.read_bytes()[: size // 2] + claimed + len(claimed).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(HuntError, match=r"a\.parquet"):
        planned(tmp_path)
    with pytest.raises(SourceError, match="damaged"):
        check_footer("a", claimed + b"\0" * 8)


def cut(part: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: int(len(data) * part)]


WHOLE_FILES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "one byte": lambda _: b"P",
    "magic alone": lambda _: b"PAR1PAR1",
    "cut early": cut(0.1),
    "cut in the middle": cut(0.5),
    "cut in the footer": cut(0.97),
    "without its last byte": lambda data: data[:-1],
    "another magic at the end": lambda data: data[:-4] + b"ORC1",
    "a footer longer than the file": lambda data: data[:-8] + (1 << 30).to_bytes(4, "little") + b"PAR1",
    "a footer of four gigabytes": lambda data: data[:-8] + b"\xff\xff\xff\xff" + b"PAR1",
    "a footer of nothing": lambda data: data[:-8] + bytes(4) + b"PAR1",
    "text": lambda _: b"not a Parquet file at all\n" * 100,
    "zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("case", WHOLE_FILES)
def test_a_file_that_is_no_parquet_is_set_aside(case: str, tmp_path: Path, matcher: Matcher) -> None:
    path = write(tmp_path / "a.parquet")
    path.write_bytes(WHOLE_FILES[case](path.read_bytes()))
    with pytest.raises(HuntError, match=r"a\.parquet"):
        planned(tmp_path)
    write(tmp_path / "b.parquet")
    plan = planned(tmp_path)
    assert [(Path(file.uri).name, bool(file.reason)) for file in plan.unreadable] == [("a.parquet", True)]
    assert hunted(plan, tmp_path, matcher).rows == ALL


def test_what_nobody_needs_to_know_may_be_wrong(tmp_path: Path, matcher: Matcher) -> None:
    path = write(tmp_path / "a.parquet")
    change_footer(path, column(f5=1 << 50))
    change_footer(path, lambda file: file.footer.update({3: (I64, 1 << 50)}))
    assert hunted(planned(tmp_path), tmp_path, matcher).coverage == [WHOLE]


def test_another_magic_at_the_start_harms_nothing(tmp_path: Path, matcher: Matcher) -> None:
    path = write(tmp_path / "a.parquet")
    path.write_bytes(b"XXXX" + path.read_bytes()[4:])
    assert hunted(planned(tmp_path), tmp_path, matcher).coverage == [WHOLE]


def test_files_without_rows_row_groups_or_columns(tmp_path: Path, matcher: Matcher) -> None:
    empty = pa.table({"text": pa.array([], pa.string())})
    pq.ParquetWriter(tmp_path / "none.parquet", empty.schema).close()
    pq.write_table(empty, tmp_path / "rows.parquet")
    pq.write_table(pa.table({}), tmp_path / "columns.parquet")
    plan = planned(tmp_path)
    [unread] = plan.unreadable
    assert unread.uri.endswith("columns.parquet")
    assert unread.reason.startswith("lacks the column text; where that is meant")
    outcome = hunted(plan, tmp_path, matcher)
    assert sorted((name, status, rows) for name, _, status, rows in outcome.coverage) == [
        ("none.parquet", "scanned", 0),
        ("rows.parquet", "scanned", 0),
    ]


def test_a_file_that_changes_after_planning_fails_as_a_whole(tmp_path: Path, matcher: Matcher) -> None:
    write(tmp_path / "a.parquet")
    plan = planned(tmp_path)
    write(tmp_path / "a.parquet", compression="zstd")
    outcome = hunted(plan, tmp_path, matcher)
    assert outcome.coverage == [("a.parquet", (0, 1, 2), "failed", 0)]
    assert outcome.rows == []


def test_a_file_that_vanishes_after_planning(tmp_path: Path, matcher: Matcher) -> None:
    write(tmp_path / "a.parquet").with_name("b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes())
    plan = planned(tmp_path)
    (tmp_path / "a.parquet").unlink()
    outcome = hunted(plan, tmp_path, matcher)
    assert sorted(outcome.coverage) == [
        ("a.parquet", (0, 1, 2), "failed", 0),
        ("b.parquet", (0, 1, 2), "scanned", GROUPS * ROWS),
    ]
    assert outcome.rows == ALL
