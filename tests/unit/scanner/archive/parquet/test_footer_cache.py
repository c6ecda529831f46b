import sqlite3
from pathlib import Path

import pytest

from scanner import cache
from scanner.archive.parquet.footer_cache import FooterCache, footer_cache
from scanner.archive.storage import FileInfo

INFO = FileInfo("/a.parquet", 10, "e1")
OTHERS = (
    FileInfo("/a.parquet", 10, "e2"),
    FileInfo("/a.parquet", 11, "e1"),
    FileInfo("/b.parquet", 10, "e1"),
)


def test_a_footer_is_known_by_name_size_and_version_to_later_processes(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "footers"
    first = FooterCache(path)
    first.put(INFO, b"footer")
    assert first.get(INFO) == b"footer"
    first.close()
    first.close()
    assert first.get(INFO) is None
    second = FooterCache(path)
    assert second.get(INFO) == b"footer"
    assert [second.get(other) for other in OTHERS] == [None] * 3
    second.close()
    assert path.stat().st_mode & 0o077 == 0


def test_a_damaged_entry_is_as_good_as_none_and_can_be_replaced(tmp_path: Path) -> None:
    known = FooterCache(tmp_path / "f")
    known.put(INFO, b"footer")
    known.close()
    with sqlite3.connect(tmp_path / "f") as database:
        database.execute("UPDATE footers SET body = substr(body, 1, 32) || 'fuoter'")
    database.close()
    known = FooterCache(tmp_path / "f")
    assert known.get(INFO) is None
    known.put(INFO, b"footer")
    assert known.get(INFO) == b"footer"
    known.close()


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_database_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "f").write_bytes(damage)
    known = FooterCache(tmp_path / "f")
    known.put(INFO, b"footer")
    known.close()
    known = FooterCache(tmp_path / "f")
    assert known.get(INFO) == b"footer"
    known.close()


def test_it_stays_within_its_bounds_and_the_oldest_make_room(tmp_path: Path) -> None:
    infos = [FileInfo(f"/{number}.parquet", 1, "e") for number in range(9_000)]
    known = FooterCache(tmp_path / "f", max_bytes=1 << 20)
    for info in infos:
        known.put(info, bytes(200))
    kept = [info for info in infos if known.get(info) is not None]
    assert 2_000 <= len(kept) < 9_000
    assert kept == infos[: len(kept)], "what does not fit any more is not kept"
    known.close()
    assert (tmp_path / "f").stat().st_size < 2 << 20
    known = FooterCache(tmp_path / "f", max_bytes=1 << 20)
    left = [info for info in kept if known.get(info) is not None]
    assert left == kept[-len(left) :]
    assert len(kept) / 3 < len(left) <= len(kept) / 2 + 1
    known.put(INFO, b"footer")
    assert known.get(INFO) == b"footer"
    known.close()


def test_the_users_cache_is_used_and_without_one_footers_last_as_long_as_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, kept in ((str(tmp_path / "cache"), b"footer"), ("", None), ("/dev/null/x", None)):
        monkeypatch.setenv(cache.FOLDER_VARIABLE, folder)
        known = footer_cache()
        known.put(INFO, b"footer")
        assert known.get(INFO) == b"footer"
        known.close()
        known = footer_cache()
        assert known.get(INFO) == kept
        known.close()
