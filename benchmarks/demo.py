"""``make demo``: hunts a million invented posts on Ray and checks the hits against what was planted."""

import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.datagen.archive import provenance, write_archive
from benchmarks.datagen.truth import judge
from scanner.results.reader import Results, open_results

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "demo"
HUNT = Path("jobs/examples/hunts/demo.yaml")
RECORDS, FILES, SEED = 1_000_000, 8, 7

_NEXT = """
The same table again   {hindcast} results show {results}
All runs               {hindcast} results list {results}
One line of text       echo 'send 0.1, receive 5x back' | {hindcast} scan - -s jobs/examples/signatures
In Python              scanner.open_results("{results}", hunt="demo").to_pandas()
In SQL                 select lang, count(*) from '{hits}' group by all
Your own signatures    jobs/examples/README.md
"""


def main() -> int:
    """Runs the demo; 0 where exactly what was planted was found."""
    _write_archive()
    hunt: list[str | Path] = [sys.executable, "-m", "jobs.cli.main", "hunt", HUNT, "--executor", "ray"]
    ended = subprocess.run(hunt, cwd=ROOT, check=False)  # noqa: S603 - nothing here comes from outside
    if ended.returncode:
        return ended.returncode
    results = open_results(str(DEMO / "results"), hunt="demo")
    verdict = judge(DEMO, results)
    print(f"\n{verdict}")
    if not verdict.exact:
        print("The hits are not what was planted. This is a bug; please report it.")
        return 1
    print("Every planted item was found, and nothing else.")
    print(_NEXT.format(hindcast=_hindcast(), results=_short(DEMO / "results"), hits=_hits(results)))
    return 0


def _hindcast() -> Path:
    """How the console script of this environment is called from the root of the repository."""
    return _short(Path(sys.executable).with_name("hindcast"))


def _hits(results: Results) -> Path:
    run_id = (results.run or {})["run_id"]
    return _short(DEMO / "results" / "hunt=demo" / f"run={run_id}" / "hits" / "*.parquet")


def _short(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _write_archive() -> None:
    if _written():
        print(f"The archive stands in {_short(DEMO)}/archive already.", flush=True)
        return
    print(f"Writing {RECORDS:,} invented posts into {_short(DEMO)}/archive …", flush=True)
    started = time.perf_counter()
    truth = write_archive(DEMO, RECORDS, FILES, SEED)
    planted = pq.read_metadata(truth).num_rows
    print(f"Written in {time.perf_counter() - started:.0f} s, with {planted:,} hits planted.", flush=True)


def _written() -> bool:
    """True where this version's archive is there whole: the truth is written last and says what it is of."""
    try:
        metadata = pq.read_schema(DEMO / "truth.parquet").metadata or {}
    except (FileNotFoundError, pa.ArrowInvalid):
        return False
    asked = provenance(RECORDS, FILES, SEED)
    same = all(metadata.get(key) == value for key, value in asked.items())
    return same and len(list((DEMO / "archive").glob("*.parquet"))) == FILES


if __name__ == "__main__":
    sys.exit(main())
