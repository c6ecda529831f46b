"""Files that unfold to far more than they hold: hunted in bounded memory, or set aside with a reason."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.cli import environment

SIGNATURES = """\
signatures:
  - id: t.needle
    literal: needle
    examples: {match: [a needle], no_match: [thread]}
"""


SCAN = """\
import sys
from pathlib import Path
from jobs.cli.main import main

code = main(["scan", sys.argv[1], "-s", sys.argv[2], "--json"])
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(status["VmHWM"].split()[0])
sys.exit(code)
"""


def scanned_by_itself(folder: Path) -> tuple[int, str, int]:
    """Exit code, standard error and greatest memory in MB of `hindcast scan` in a process of its own."""
    (folder / "pack.yaml").write_text(SIGNATURES)
    words = [sys.executable, "-c", SCAN, str(folder / "archive"), str(folder / "pack.yaml")]
    done = subprocess.run(
        words, env=environment(folder / "home"), capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stderr, int(done.stdout.split()[-1]) >> 10


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    return tmp_path / "archive"


def test_a_page_that_unfolds_to_a_gigabyte_does_not_fill_the_memory(archive: Path) -> None:
    bomb = ["a" * (1 << 20)] * 1024
    table = pa.table({"text": bomb})
    pq.write_table(table, archive / "bomb.parquet", use_dictionary=False, compression="zstd")
    del table, bomb
    assert (archive / "bomb.parquet").stat().st_size < 1 << 20
    pq.write_table(pa.table({"text": ["a needle", "thread", "needle"]}), archive / "good.parquet")
    code, told, memory = scanned_by_itself(archive.parent)
    assert (code, "of which 536870912 are allowed" in told) == (3, True), told
    assert "2 hits of 1 signature in 3 records" in told
    assert memory < 400, "MB"


def test_a_dictionary_that_unfolds_to_gigabytes_is_read_in_bounded_memory(archive: Path) -> None:
    texts = pa.DictionaryArray.from_arrays(
        pa.array([0] * 4000 + [1], pa.int32()), pa.array(["a" * (1 << 20), "needle"])
    )
    pq.write_table(pa.table({"text": texts}), archive / "a.parquet", compression="zstd")
    code, told, memory = scanned_by_itself(archive.parent)
    assert (code, "1 hit of 1 signature in 4,001 records" in told) == (0, True), told
    assert memory < 2500, "MB"


def test_a_cell_of_a_hundred_megabytes_is_read(archive: Path) -> None:
    table = pa.table({"text": ["small needle", "x" * 100_000_000 + " needle", "needle"]})
    pq.write_table(table, archive / "a.parquet", compression="zstd")
    code, told, memory = scanned_by_itself(archive.parent)
    assert (code, "3 hits of 1 signature in 3 records" in told) == (0, True), told
    assert memory < 2000, "MB"
