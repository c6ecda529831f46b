from pathlib import Path

import pytest

from scanner.signatures.lists import MAX_LIST_BYTES, ListError, read_list


def test_lines_are_trimmed_and_remarks_left_out(tmp_path: Path) -> None:
    text = "\ufeff# remark\n  free coins\t\n\n   # another\nZażółć\r\nfree coins\nline\u2028separator\nlast"
    (tmp_path / "lures.txt").write_text(text, encoding="utf-8", newline="")

    literals, problems = read_list("lures.txt", tmp_path, "a")

    assert literals == ("free coins", "Zażółć", "line\u2028separator", "last")
    assert problems == []


def test_wrong_lines_are_reported_in_the_list(tmp_path: Path) -> None:
    (tmp_path / "lures.txt").write_text(f"fine\nnot \0 fine\n{'x' * 4097}\n", encoding="utf-8")

    _, problems = read_list("lures.txt", tmp_path, "a")

    assert [str(problem) for problem in problems] == [
        f"{tmp_path}/lures.txt:2: a: the literal holds the character U+0000; remove it",
        f"{tmp_path}/lures.txt:3: a: the literal is longer than 4,096 characters; shorten it",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.txt", "there is no list `gone.txt`; its path is read from the folder of this file"),
        ("folder", "there is no list `folder`; its path is read from the folder of this file"),
        ("empty.txt", "the list `empty.txt` is empty; write one literal a line"),
        ("latin.txt", "the list `latin.txt` is not UTF-8 in line 2; save it as UTF-8"),
        ("huge.txt", "the list `huge.txt` is larger than 64 MB; cut it into several"),
        (
            "../outside.txt",
            "the list `../outside.txt` must lie below the folder of this file; write its path from there",
        ),
        (
            "link.txt",
            "the list `link.txt` is a link that leads out of this file's folder; copy the list there",
        ),
        (
            "up/outside.txt",
            "the list `up/outside.txt` is a link that leads out of this file's folder; copy the list there",
        ),
    ],
)
def test_a_list_that_cannot_be_read_is_explained(tmp_path: Path, name: str, message: str) -> None:
    folder = tmp_path / "signatures"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "outside.txt").write_text("secret", encoding="utf-8")
    (folder / "empty.txt").write_text("# only a remark\n", encoding="utf-8")
    (folder / "latin.txt").write_bytes(b"fine\nna\xefve\n")
    with (folder / "huge.txt").open("wb") as huge:
        huge.truncate(MAX_LIST_BYTES + 1)
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "up").symlink_to(tmp_path)

    with pytest.raises(ListError) as caught:
        read_list(name, folder, "a")

    assert caught.value.message == message


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "lures.txt").write_text("free coins", encoding="utf-8")
    (tmp_path / "lists").symlink_to(tmp_path / "real")

    assert read_list("lists/lures.txt", tmp_path, "a") == (("free coins",), [])
