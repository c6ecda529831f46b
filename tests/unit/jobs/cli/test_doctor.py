import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.cli.main import main
from jobs.doctor.check import Check
from scanner import cache
from scanner.engine import hyperscan
from scanner.engine.qualification import verdict
from scanner.engine.qualification.examine import Miss
from scanner.engine.qualification.verdict import qualified
from tests.support.head import TOKEN, HeadState, head


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which the engine was found to miss."""
    good = qualified()
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(verdict, "_verdicts", {})
    misses = (Miss("a\x1b[31m.*b", "some text", "no match that ends at byte 7"),)
    cache.store(good.key, replace(good, passed=False, missed=1, misses=misses).to_json())


def test_a_good_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "engine     good: none of " in printed
    for name in ("python", "pcre2", "hyperscan", "pyarrow", "cpu", "features", "build"):
        assert f"\n{name:<11}" in f"\n{printed}"


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"versions", "engine", "cpu", "qualification", "remedy", "checks", "passed"}
    assert told["qualification"]["passed"] is True
    assert told["qualification"]["digest"] == qualified().digest
    assert told["engine"]["package"] == hyperscan.build().package
    assert told["remedy"] is None
    assert told["passed"] is True
    outcomes = {check["name"]: check["outcome"] for check in told["checks"]}
    assert outcomes == {
        **dict.fromkeys(("python", "packages", "ray", "engine"), "ok"),
        **dict.fromkeys(("hunt", "cluster.reach"), "skipped"),
    }


def test_a_hunt_that_cannot_be_read_is_told_beside_the_rest(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "hunt.yaml").write_text("hunt: small\n")
    assert main(["doctor", "hunt.yaml"]) == 2
    printed = capsys.readouterr().out
    assert "failed   hunt                hunt.yaml: " in printed
    assert "ok       engine" in printed


def test_a_hunt_of_tables_wants_their_packages(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "hunt: small\narchive: {uri: posts, format: delta}\nsignatures: [none.yaml]\noutput: results\n"
    (here / "hunt.yaml").write_text(text)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert main(["doctor", "hunt.yaml", "--json"]) == 2
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["tables"]["remedy"] == "run `pip install 'hindcast[tables]'`"
    assert checks["signatures"]["outcome"] == "failed"
    assert "none.yaml: there is no such file or folder" in checks["signatures"]["seen"]
    assert "deltalake" in checks["archive.list"]["seen"]


def test_what_the_cluster_finds_is_told_beside_what_is_found_here(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "posts").mkdir()
    text = f"hunt: small\narchive: {{uri: {here}/posts}}\nsignatures: [pack.yaml]\noutput: {here}/results\n"
    (here / "hunt.yaml").write_text(text)
    (here / "pack.yaml").write_text("signatures: [{id: t.a, literal: a}]\n")
    there = Check("archive.list", "failed", "evil\x1b[31m name", "mend it there", "s3://dumps")
    state = HeadState(
        starts_as={"status": "FAILED", "driver_exit_code": 2},
        prints=json.dumps({"checks": [there.as_dict()]}, indent=2),
    )
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)  # which this process sets where it has started Ray
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    with head(state) as address:
        assert main(["doctor", "hunt.yaml", "--address", address]) == 2
    printed = capsys.readouterr().out
    assert f"ok       cluster.hindcast    {address}: hindcast starts there" in printed
    assert "failed   archive.list        on the cluster: s3://dumps: evil␛[31m name" in printed
    assert f"{'':<28} mend it there\n" in printed
    assert list((here / "results").iterdir()) == []


def test_a_cluster_that_is_not_known(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--context", "none"]) == 2
    printed = capsys.readouterr().out
    assert "failed   cluster.reach       none: there is no such context" in printed
    assert here.exists()


@pytest.mark.usefixtures("refused")
def test_a_refused_engine_is_told_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 2
    printed = capsys.readouterr().out
    assert "engine     refused, after " in printed
    assert "  `a␛[31m.*b` on some text: no match that ends at byte 7\n" in printed
    assert verdict.remedy(hyperscan.build()) in printed
    assert main(["doctor", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["remedy"] == verdict.remedy(hyperscan.build())


@pytest.mark.usefixtures("refused")
def test_a_fresh_examination_is_asked_for_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--fresh"]) == 0
    assert "engine     good" in capsys.readouterr().out
