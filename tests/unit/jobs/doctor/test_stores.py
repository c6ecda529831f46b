from pathlib import Path

import pytest

from jobs.doctor.stores import check_stores
from jobs.hunt_file.spec import load_hunt

HUNT = "hunt: small\narchive: {{uri: .}}\nsignatures: [pack.yaml]\noutput: {output}\n"


@pytest.mark.parametrize("output", ["notdir", "notdir/below"])
def test_an_output_that_is_a_file_is_told_to_name_a_folder(here: Path, output: str) -> None:
    (here / "a.parquet").write_bytes(b"PAR1 and more")
    (here / "notdir").touch()
    (here / "pack.yaml").write_text("signatures: [{id: t.a, literal: a}]\n", encoding="utf-8")
    (here / "hunt.yaml").write_text(HUNT.format(output=output), encoding="utf-8")
    checks = {check.name: check for check in check_stores(load_hunt("hunt.yaml"))}
    created = checks["output.create"]
    assert (created.outcome, created.seen, created.remedy) == (
        "failed",
        "a file stands where a folder should be",
        "name a folder",
    )
    assert checks["archive.read"].outcome == "ok"
