from pathlib import Path

import pytest

from jobs.hunt_file.spec import HuntSpec, load_hunt
from scanner.errors import HuntError


def load(folder: Path, archive: str) -> HuntSpec:
    file = folder / "hunt.yaml"
    file.write_text(f"hunt: a\narchive: {{{archive}}}\nsignatures: s/\noutput: out\n")
    return load_hunt(file)


@pytest.mark.parametrize(
    ("archive", "read"),
    [
        ("uri: a/", (None, None)),
        ("uri: a/, format: csv", ("csv", None)),
        ("uri: a/, format: delta", ("delta", None)),
        ("uri: a/, format: delta, version: 0", ("delta", 0)),
        ("uri: a/, format: iceberg, snapshot: 3055729675574597004", ("iceberg", 3055729675574597004)),
    ],
)
def test_formats_are_read_and_written_back(
    archive: str, read: tuple[str | None, int | None], tmp_path: Path
) -> None:
    spec = load(tmp_path, archive)
    assert (spec.format, spec.at) == read
    written = spec.as_dict()["archive"]
    assert isinstance(written, dict)
    expected = dict(part.split(": ") for part in archive.split(", ")[1:])
    assert {key: str(written[key]) for key in written if key in {"format", "version", "snapshot"}} == expected


@pytest.mark.parametrize(
    ("archive", "wrong"),
    [
        ("uri: a/, format: avro", "archive.format: must be one of `parquet`, `csv`"),
        ("uri: a/, format: [csv]", "archive.format: must be one of"),
        ("uri: a/, version: 3", "archive.version: goes with `format: delta` only"),
        ("uri: a/, format: delta, snapshot: 3", "archive.snapshot: goes with `format: iceberg` only"),
        (
            "uri: a/, format: delta, version: latest",
            "archive.version: must be a number, such as `version: 12`",
        ),
        ("uri: a/, format: delta, version: -1", "archive.version: must be a number"),
        ("uri: a/, format: delta, version: true", "archive.version: must be a number"),
        ("uri: [a/, b/], format: delta", "archive.uri: must be one table"),
        ("uri: a/, manifest: m.txt, format: iceberg", "archive.uri: must be one table"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(archive: str, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(HuntError) as caught:
        load(tmp_path, archive)
    [problem] = caught.value.problems
    assert problem.line == 2
    assert wrong in str(problem)
