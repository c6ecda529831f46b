import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from scanner import cache
from scanner.engine import hyperscan
from scanner.engine.qualification import verdict
from scanner.engine.qualification.examine import Miss
from scanner.engine.qualification.verdict import Verdict, adopt, qualified, qualify, require_qualified
from scanner.errors import EngineError

ROOT = Path(__file__).parents[5]


@pytest.fixture(scope="module")
def good() -> Verdict:
    return qualified()


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process that knows no verdict, and an empty cache."""
    monkeypatch.setattr(verdict, "_verdicts", {})
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))


def bad(good: Verdict) -> Verdict:
    misses = (Miss("a.*b", "some text", "no match that ends at byte 7"),)
    return replace(good, passed=False, missed=12, misses=misses, digest="0" * 64)


def test_this_engine_is_good(good: Verdict) -> None:
    assert good.passed
    assert (good.missed, good.misses) == (0, ())
    assert good.engine == str(hyperscan.build())
    assert good.random_patterns >= verdict.PATTERNS
    assert good.random_literals > 0
    assert Verdict.from_json(good.to_json()) == good


@pytest.mark.usefixtures("forgetful")
def test_a_verdict_is_kept_between_processes(good: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = replace(good, digest="f" * 64)
    cache.store(good.key, kept.to_json())
    assert require_qualified() == kept
    cache.store(good.key, bad(good).to_json())
    assert qualified() == kept
    monkeypatch.setattr(verdict, "_verdicts", {})
    assert not qualified().passed


@pytest.mark.usefixtures("forgetful")
def test_a_fresh_examination_replaces_what_was_kept(good: Verdict) -> None:
    cache.store(good.key, bad(good).to_json())
    assert not qualified().passed
    assert qualified(fresh=True) == good
    assert cache.load(good.key) == good.to_json()


@pytest.mark.usefixtures("forgetful")
def test_a_worker_without_a_cache_takes_over_what_its_driver_found(
    good: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.FOLDER_VARIABLE, "")
    adopt(replace(good, key="that of another cpu", passed=False))
    adopt(replace(good, digest="f" * 64))
    assert require_qualified().digest == "f" * 64


@pytest.mark.usefixtures("forgetful")
def test_an_engine_that_misses_is_refused_by_name_and_with_what_to_do(good: Verdict) -> None:
    cache.store(good.key, bad(good).to_json())
    with pytest.raises(EngineError) as refused:
        require_qualified()
    first, *more, last = str(refused.value).splitlines()
    assert first.startswith(f"the engine hyperscan {hyperscan.build().package} (")
    assert more == ["  `a.*b` on some text: no match that ends at byte 7", "  and 11 more"]
    assert last == verdict.remedy(hyperscan.build())


def test_the_remedy_is_the_build_that_this_program_requires() -> None:
    other = replace(hyperscan.build(), package="99.0")
    assert f"pip install 'hyperscan=={hyperscan.pinned_version()}'" in verdict.remedy(other)
    pinned = replace(other, package=hyperscan.pinned_version())
    assert "pip install" not in verdict.remedy(pinned)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = [each for each in project["dependencies"] if each.startswith("hyperscan==")]
    assert any(each.startswith(f"hyperscan=={hyperscan.pinned_version()};") for each in required)


def test_the_digest_tells_examinations_apart_and_nothing_else() -> None:
    first = qualify(20)
    assert qualify(20) == first
    assert qualify(20, seed=7).digest != first.digest
    assert qualify(20, limit_s=0).random_patterns == 0


def test_what_a_run_says_of_its_engine(good: Verdict) -> None:
    record = verdict.record()
    assert record["hyperscan"] == good.engine
    assert record["qualification"] == {
        "passed": True,
        "digest": good.digest,
        "cases": good.cases,
        "random_patterns": good.random_patterns,
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_long_examination() -> None:
    long = qualify(1_000_000, seed=1, limit_s=600)
    assert long.misses == ()
    assert long.false_ends == 0
