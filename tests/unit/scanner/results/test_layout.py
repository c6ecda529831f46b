import pytest

from scanner.errors import HuntError
from scanner.results import layout


def test_every_part_has_its_place() -> None:
    run = layout.run_uri("/out/", "nightly-fraud", "20261122T030000Z-a1b2c3")
    assert run == "/out/hunt=nightly-fraud/run=20261122T030000Z-a1b2c3"
    assert layout.commit_uri(run, "0" * 32) == f"{run}/commits/{'0' * 32}"
    assert layout.hits_uri(run, "a.parquet") == f"{run}/hits/a.parquet"
    assert layout.names_of(run) == ("nightly-fraud", "20261122T030000Z-a1b2c3")
    assert layout.names_of("/out/hunt=nightly-fraud") is None


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "A", "a b", "a\n", "a\0", ".a", "1a", "a" * 65])
def test_a_hunt_cannot_leave_its_folder(name: str) -> None:
    with pytest.raises(HuntError, match="no name of a hunt"):
        layout.hunt_uri("/out", name)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a b", ".a", "a\n", "a" * 129])
def test_a_run_cannot_leave_its_folder(name: str) -> None:
    with pytest.raises(HuntError, match="no name of a run; use letters, digits, dot"):
        layout.run_uri("/out", "hunt", name)


@pytest.mark.parametrize("name", ["", "..", "../x", "0" * 63, "A" * 64, "0" * 64 + "\n"])
def test_a_mark_cannot_leave_its_folder(name: str) -> None:
    assert layout.first_uri("/out/hunt=h", "0" * 64) == f"/out/hunt=h/first/{'0' * 64}.json"
    with pytest.raises(HuntError, match="no name of a digest"):
        layout.first_uri("/out/hunt=h", name)


@pytest.mark.parametrize("name", ["", "..", "../x", "g" * 32, "A" * 32, "0" * 31, "0" * 32 + "\n"])
def test_a_split_cannot_leave_its_folder(name: str) -> None:
    with pytest.raises(HuntError, match="no name of a split"):
        layout.commit_uri("/run", name)


@pytest.mark.parametrize("name", ["", "..", "../a.parquet", "a/b.parquet", ".a.parquet", "a", "a.parquet\n"])
def test_a_file_of_hits_cannot_leave_its_folder(name: str) -> None:
    with pytest.raises(HuntError, match="no name of a file of hits"):
        layout.hits_uri("/run", name)
