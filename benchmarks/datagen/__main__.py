"""``python -m benchmarks.datagen OUT``: writes an archive with planted content and its truth."""

import argparse
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.datagen.archive import write_archive

FEWEST_RECORDS = 1_000


def main() -> None:
    """Reads the command line and writes the archive."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.datagen", description=__doc__)
    parser.add_argument("out", type=Path, help="folder for archive/*.parquet and truth.parquet")
    parser.add_argument("--records", type=int, default=1_000_000, help="rows of all files (%(default)s)")
    parser.add_argument("--files", type=int, default=8, help="number of files (%(default)s)")
    parser.add_argument(
        "--seed", type=int, default=7, help="the same seed gives the same bytes (%(default)s)"
    )
    asked = parser.parse_args()
    if (
        asked.records < FEWEST_RECORDS
        or not 1 <= asked.files <= asked.records // FEWEST_RECORDS
        or asked.seed < 0
    ):
        parser.error(
            "write --records 1000 or more for each file, --files 1 or more, and a --seed of 0 or more"
        )
    truth = write_archive(asked.out, asked.records, asked.files, asked.seed)
    planted = pq.read_metadata(truth).num_rows
    print(f"{asked.records:,} records in {asked.files} files, {planted:,} planted hits: {truth}")


if __name__ == "__main__":
    main()
