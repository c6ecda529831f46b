"""A hunt so small that it ends at once."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.preparing.prepare import Prepared, prepare

HUNT = "hunt: small\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n"


def three_files(here: Path) -> Prepared:
    """A hunt over three files with a hit each, in the current folder."""
    (here / "archive").mkdir()
    for name in "abc":
        pq.write_table(pa.table({"text": ["one", "x"]}), here / "archive" / f"{name}.parquet")
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text(HUNT)
    return prepare("hunt.yaml", date(2026, 5, 1))
