from pathlib import Path

import pytest

from scanner.archive import storage
from scanner.archive.storage import manifest
from scanner.errors import HuntError


def write(folder: Path, content: str | bytes) -> str:
    path = folder / "lists" / "files.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def names(uri: str) -> list[str]:
    return [Path(info.uri).name for info in storage.list_manifest(uri)]


def problems(uri: str) -> list[str]:
    with pytest.raises(HuntError) as caught:
        list(storage.list_manifest(uri))
    return [str(problem).removeprefix(uri) for problem in caught.value.problems]


def test_lines_are_files_in_their_order(tmp_path: Path) -> None:
    numbers = list(range(700, 0, -1))
    for number in numbers:
        (tmp_path / f"{number}.parquet").write_bytes(b"x" * number)
    lines = "\n".join(f"../{number}.parquet" for number in numbers)
    infos = list(storage.list_manifest(write(tmp_path, lines)))
    assert [info.size_bytes for info in infos] == numbers
    assert infos[0] == storage.stat(str(tmp_path / "700.parquet"))


def test_comments_empty_lines_and_the_marks_of_editors_are_no_names(tmp_path: Path) -> None:
    for name in ("a b.parquet", "#c", "ü"):
        (tmp_path / name).touch()
    text = f"\ufeff# dumps\r\n\r\n../a b.parquet\r\n   \r\n{tmp_path}/#c\r\nfile://{tmp_path}/%C3%BC"
    assert names(write(tmp_path, text)) == ["a b.parquet", "#c", "ü"]


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    uri = write(tmp_path, b"../a\ngone\nhttps://x/y\n../a\ns3://me:hush@bucket/x\n\xff\n")
    told = problems(uri)
    assert [line.split(":")[1] for line in told] == ["2", "3", "5", "6"]
    assert told[0] == f":2: {tmp_path}/lists/gone: is not there"
    assert "hush" not in "".join(told)


def test_a_manifest_that_is_wrong_altogether(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(str(tmp_path / "none.txt")) == [": is not there"]
    assert problems(write(tmp_path, "# nothing\n\n")) == [": lists no file; write one URI a line"]
    assert len(problems(write(tmp_path, "gone\n" * 1000))) == 100
    monkeypatch.setattr(manifest, "MAX_BYTES", 9)
    assert "is longer than" in problems(write(tmp_path, "0123456789"))[0]
