import json
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.cli.main import main
from scanner import cache
from scanner.engine import hyperscan
from scanner.engine.qualification import verdict
from scanner.engine.qualification.examine import Miss
from scanner.engine.qualification.verdict import qualified


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
    assert set(told) == {"versions", "engine", "cpu", "qualification", "remedy"}
    assert told["qualification"]["passed"] is True
    assert told["qualification"]["digest"] == qualified().digest
    assert told["engine"]["package"] == hyperscan.build().package
    assert told["remedy"] is None


@pytest.mark.usefixtures("refused")
def test_a_refused_engine_is_told_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 2
    printed = capsys.readouterr().out
    assert "engine     refused, after " in printed
    assert "  `a.*b` on some text: no match that ends at byte 7\n" in printed
    assert verdict.remedy(hyperscan.build()) in printed
    assert main(["doctor", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["remedy"] == verdict.remedy(hyperscan.build())


@pytest.mark.usefixtures("refused")
def test_a_fresh_examination_is_asked_for_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--fresh"]) == 0
    assert "engine     good" in capsys.readouterr().out
