import io
import os
import zipfile
from pathlib import Path

import pytest

from jobs.cluster import package
from jobs.cluster.package import pack
from jobs.hunt_file.spec import load_hunt
from scanner.errors import HuntError
from scanner.signatures.load import read_signatures

HUNT = """\
hunt: small
archive: {uri: s3://dumps/comments/}
signatures: [../signatures, extra.yaml]
output: s3://hunts/
"""
PACK = """\
signatures:
  - {id: t.alpha, regex: 'alpha'}
  - {id: t.lures, list: lists/lures.txt}
  - id: t.both
    patterns: {a: {list: lists/more.txt}, b: {literal: list}}
    condition: a and b
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("hunts", "signatures/deep", "signatures/lists", "archive"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "hunts" / "small.yaml").write_text(HUNT)
    (tmp_path / "hunts" / "extra.yaml").write_text("signatures: [{id: t.extra, literal: extra}]\n")
    (tmp_path / "hunts" / "secrets.env").write_text("KEY=1")
    (tmp_path / "signatures" / "pack.yaml").write_text(PACK)
    (tmp_path / "signatures" / "deep" / "more.yml").write_text("signatures: [{id: t.deep, literal: deep}]\n")
    (tmp_path / "signatures" / "lists" / "lures.txt").write_text("free coins\n")
    (tmp_path / "signatures" / "lists" / "more.txt").write_text("gift card\n")
    (tmp_path / "signatures" / "lists" / "unused.txt").write_text("unused\n")
    return tmp_path


def packed(folder: Path) -> package.Package:
    file = str(folder / "hunts" / "small.yaml")
    return pack(file, read_signatures(load_hunt(file).signatures).files)


def test_only_what_the_hunt_names_is_sent_and_reads_the_same_there(folder: Path, tmp_path: Path) -> None:
    made = packed(folder)
    there = tmp_path / "there"
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        assert sorted(archive.namelist()) == [
            "files/hunts/extra.yaml",
            "files/hunts/small.yaml",
            "files/signatures/deep/more.yml",
            "files/signatures/lists/lures.txt",
            "files/signatures/lists/more.txt",
            "files/signatures/pack.yaml",
            "start.py",
        ]
        archive.extractall(there)
    assert (made.hunt_file, made.files) == ("files/hunts/small.yaml", 6)
    reading = read_signatures(load_hunt(there / made.hunt_file).signatures)
    assert reading.problems == ()
    assert [s.id for s in reading.signatures] == [
        s.id for s in read_signatures(load_hunt(folder / "hunts" / "small.yaml").signatures).signatures
    ]


def test_names_and_bytes_depend_on_contents_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = packed(folder)
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    assert packed(folder) == made
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    folder.rename(elsewhere)
    monkeypatch.chdir(elsewhere / "hunts")
    assert pack("small.yaml", read_signatures(load_hunt("small.yaml").signatures).files) == made
    (elsewhere / "signatures" / "lists" / "more.txt").write_text("gift cards\n")
    assert packed(elsewhere).digest != made.digest
    assert packed(elsewhere).name != made.name
    elsewhere.rename(folder)


def test_too_much_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_PACKAGE_BYTES", 10)
    with pytest.raises(HuntError, match="larger than 0 MB when packed; put long lists"):
        packed(folder)
    monkeypatch.setattr(package, "MAX_FILES_BYTES", 100)
    with pytest.raises(HuntError, match="put long lists"):
        packed(folder)


def test_names_that_ray_would_skip_are_refused(folder: Path) -> None:
    (folder / "signatures" / "a\\b.yaml").write_text("signatures: [{id: t.odd, literal: odd}]\n")
    with pytest.raises(HuntError, match="has a backslash or an invisible character in its name"):
        packed(folder)
