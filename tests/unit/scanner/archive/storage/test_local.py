import os
from pathlib import Path

import pytest

from scanner.archive import storage
from scanner.errors import HuntError, SourceError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def found(uri: object, below: Path) -> list[str]:
    return [str(Path(info.uri).relative_to(below)) for info in storage.list_files(str(uri))]


def test_a_folder_is_walked_to_its_last_parquet_file(tmp_path: Path) -> None:
    touch(tmp_path, "b.parquet", "a.parquet", "day=1/c.parquet", "notes.txt", "_SUCCESS", ".hidden.parquet")
    touch(tmp_path, "_delta_log/d.parquet", ".tmp/e.parquet")
    expected = ["a.parquet", "b.parquet", "day=1/c.parquet"]
    assert found(tmp_path, tmp_path) == expected
    assert found(f"file://{tmp_path}", tmp_path) == expected
    assert found(f"{tmp_path}/", tmp_path) == expected


def test_globs_find_files_and_folders_and_a_named_file_is_always_taken(tmp_path: Path) -> None:
    touch(tmp_path, "day=1/a.parquet", "day=2/b.parquet", "month=1/c.parquet", "_x.parquet", "data.bin")
    assert found(tmp_path / "day=*", tmp_path) == ["day=1/a.parquet", "day=2/b.parquet"]
    assert found(tmp_path / "**" / "[ab].parquet", tmp_path) == ["day=1/a.parquet", "day=2/b.parquet"]
    assert found(tmp_path / "_x.parquet", tmp_path) == ["_x.parquet"]
    assert found(tmp_path / "data.bin", tmp_path) == ["data.bin"]


def test_a_name_with_glob_characters_names_itself(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].parquet", "a1.parquet")
    assert found(tmp_path / "a[1].parquet", tmp_path) == ["a[1].parquet"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.parquet")
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "archive" / "linked" / "loop").symlink_to(tmp_path / "archive")
    assert found(tmp_path / "archive", tmp_path) == ["archive/linked/a.parquet"]


def test_endings_are_read_in_any_case_and_partitions_may_begin_with_an_underscore(tmp_path: Path) -> None:
    touch(tmp_path, "_date=1/a.PARQUET", "_tmp/b.parquet", "c.Parquet")
    assert found(tmp_path, tmp_path) == ["_date=1/a.PARQUET", "c.Parquet"]


def test_what_links_lead_to_within_the_archive_is_read_once(tmp_path: Path) -> None:
    touch(tmp_path, "day=1/a.parquet", ".store/b.parquet")
    (tmp_path / "b.parquet").symlink_to(tmp_path / ".store" / "b.parquet")
    (tmp_path / "a_latest").symlink_to(tmp_path / "day=1")
    (tmp_path / "newest.parquet").symlink_to(tmp_path / "day=1" / "a.parquet")
    assert found(tmp_path, tmp_path) == ["b.parquet", "day=1/a.parquet"]
    assert found(tmp_path / "*" / "*.parquet", tmp_path) == ["day=1/a.parquet"]
    assert found(tmp_path / "a_latest" / "*.parquet", tmp_path) == ["a_latest/a.parquet"]


def test_a_pipe_that_is_called_like_a_file_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.parquet")
    with pytest.raises(HuntError, match="is no regular file"):
        found(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("hdfs://name/x", "`hdfs://` is no store"),
        ("s3:///x", "names no bucket; write `s3://bucket/key`"),
        ("https://example.org/x.parquet", "`https://` is no store"),
        ("file://host/x", "names a host"),
        ("missing.parquet", "is not there"),
        ("missing-*", "is not there"),
        ("", "is not a path"),
        ("a\0b", "is not a path"),
    ],
)
def test_what_cannot_be_read_is_named_with_a_remedy(uri: str, words: str) -> None:
    with pytest.raises(HuntError, match=words) as caught:
        list(storage.list_files(uri))
    assert caught.value.problems[0].file == uri


def test_an_empty_folder_and_a_dangling_link_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HuntError, match=r"holds no \*.parquet file"):
        list(storage.list_files(str(tmp_path)))
    (tmp_path / "link.parquet").symlink_to(tmp_path / "gone")
    with pytest.raises(SourceError, match="is not there"):
        list(storage.list_files(str(tmp_path / "link.parquet")))


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.parquet")).touch()
    with pytest.raises(HuntError, match="the name is not UTF-8"):
        list(storage.list_files(str(tmp_path)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_no_empty_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.parquet", "closed/b.parquet")
    (tmp_path / "closed").chmod(0)
    try:
        with pytest.raises(HuntError, match="not allowed"):
            list(storage.list_files(str(tmp_path)))
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_the_canonical_form_is_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert storage.canonical("a/../b") == f"{tmp_path}/b"
    assert storage.canonical("file:///x%20y") == "/x y"
    assert storage.canonical("FILE:///x") == "/x"
