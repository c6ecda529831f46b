import os
from pathlib import Path

import pytest

from scanner import cache


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_stored_is_loaded(home: Path) -> None:
    assert cache.load("a") is None
    cache.store("a", b"one")
    cache.store("a", b"two")
    assert cache.load("a") == b"two"
    assert [path.name for path in home.iterdir()] == ["a"]
    assert home.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"x" * 40, b"\0" * 32])
def test_a_damaged_entry_is_as_good_as_none(home: Path, damage: bytes) -> None:
    cache.store("a", b"one")
    (home / "a").write_bytes(damage)
    assert cache.load("a") is None


def test_without_a_folder_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.FOLDER_VARIABLE, "")
    cache.store("a", b"one")
    assert cache.load("a") is None


def test_a_folder_that_cannot_be_made_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "file" / "below"))
    cache.store("a", b"one")
    assert cache.load("a") is None


def test_keys_depend_on_every_part_and_its_place() -> None:
    keys = {cache.key("a", "b"), cache.key("b", "a"), cache.key("ab"), cache.key("a", b"b", "")}
    assert len(keys) == 4


def test_what_was_not_used_for_long_makes_room(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_BYTES", 3_300_000)
    for age, name in enumerate(("used", "new", "old")):
        cache.store(name, bytes(1 << 20))
        os.utime(home / name, (1_000 - age, 1_000 - age))
    os.utime(home / "used", (0, 0))
    assert cache.load("used") is not None
    cache.store("newest", bytes(1 << 20))
    assert sorted(path.name for path in home.iterdir()) == ["new", "newest", "used"]
