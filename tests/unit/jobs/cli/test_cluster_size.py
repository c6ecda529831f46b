import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli.main import main


@pytest.fixture
def hunt(here: Path) -> str:
    (here / "posts").mkdir()
    pq.write_table(pa.table({"text": ["good morning"] * 1000}), here / "posts" / "a.parquet")
    (here / "pack.yaml").write_text("signatures: [{id: t.a, literal: a}]\n")
    (here / "hunt.yaml").write_text(
        "hunt: small\narchive: {uri: posts}\nsignatures: pack.yaml\noutput: out\n"
    )
    return "hunt.yaml"


def test_what_it_takes_is_printed_below_the_plan(hunt: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", hunt, "--cluster", "4x2"]) == 0
    _, size = capsys.readouterr().out.split("on 4x2, by rates that were measured elsewhere:\n")
    lines = dict(line.strip().split(maxsplit=1) for line in size.splitlines())
    assert lines["idle"] == "7 cores: there are no more splits"
    assert lines["requests"] == "0 LIST, 0 GET, 0 PUT, 0 DELETE"
    assert "price" not in lines


def test_prices_are_multiplied(hunt: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", hunt, "--cluster", "1000x100", "--price", "core-hour=3600000000", "--json"]) == 2
    assert "is no price" in capsys.readouterr().err
    words = ["--price", "core-hour=360000000", "--price", "gb=0.09"]
    assert main(["plan", hunt, "--cluster", "1000x100", *words, "--json"]) == 0
    size = json.loads(capsys.readouterr().out)["cluster"]
    assert size["price"] == round(100_000 * size["hours"] * 360_000_000, 2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cluster", "64"], "'64' is no cluster; write workers x CPUs, such as 64x16"),
        (["--cluster", "1x1", "--price", "gb"], "'gb' is no price; write one of core-hour"),
        (["--price", "gb=1"], "`--price` is for `--cluster`"),
    ],
)
def test_what_is_wrong_is_told(
    hunt: str, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["plan", hunt, *words]) == 2
    assert told in capsys.readouterr().err


def test_without_a_cluster_nothing_is_said(hunt: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", hunt, "--json"]) == 0
    assert "cluster" not in json.loads(capsys.readouterr().out)
