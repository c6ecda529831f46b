"""`hindcast hunt --address`: a cluster that is not there is told at once, and nothing runs."""

import socket
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.cli import hindcast


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pack.yaml").write_text("signatures: [{id: t.a, literal: a}]\n")
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")
    (tmp_path / "hunt.yaml").write_text(
        "hunt: small\narchive: {uri: a.parquet}\nsignatures: pack.yaml\noutput: results\n"
    )
    return tmp_path


def test_nobody_there(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
    done = hindcast(folder, "hunt", "hunt.yaml", "--address", address)
    assert done.returncode == 2
    assert f"{address}: there is no Ray cluster here; write HOST:PORT" in done.stderr


def test_one_place_at_a_time(folder: Path) -> None:
    done = hindcast(folder, "hunt", "hunt.yaml", "--address", "auto", "--executor", "inline")
    assert done.returncode == 2
    assert "leave one out" in done.stderr


def test_a_run_has_the_id_that_it_is_given(folder: Path) -> None:
    done = hindcast(folder, "hunt", "hunt.yaml", "--run-id", "20260501T120000Z-abcdef")
    assert done.returncode == 0, done.stderr
    assert (folder / "results" / "hunt=small" / "run=20260501T120000Z-abcdef" / "run.json").exists()
    done = hindcast(folder, "hunt", "hunt.yaml", "--run-id", "../evil")
    assert done.returncode == 2
    assert "is no name of a run" in done.stderr
