import re
from pathlib import Path

import pytest

from jobs.hunt_file.spec import load_hunt
from scanner.errors import HuntError
from tests.support.readme import keys_in_table

WHOLE = """\
hunt: nightly-fraud
archive:
  uri: [archive/, /data/other.parquet]
  text_columns: [text, author.bio, "replies[].text"]
  record_id: comment_id
  actor_id: author_id
  event_time: created_at
  carry: [lang, region]
signatures: signatures/
output: ../results
evidence: hashed
"""

SMALL = """\
hunt: small
archive: {uri: a.parquet}
signatures: [s.yaml]
output: out
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "hunt.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(HuntError) as caught:
        load_hunt(path)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


def test_a_whole_hunt_with_paths_relative_to_its_file(tmp_path: Path) -> None:
    spec = load_hunt(write(tmp_path, WHOLE))
    assert spec.hunt == "nightly-fraud"
    assert spec.uris == (f"{tmp_path}/archive", "/data/other.parquet")
    assert spec.text_columns == ("text", "author.bio", "replies[].text")
    assert (spec.record_id, spec.actor_id, spec.event_time) == ("comment_id", "author_id", "created_at")
    assert spec.carry == ("lang", "region")
    assert spec.signatures == (f"{tmp_path}/signatures",)
    assert spec.output == str(tmp_path.parent / "results")
    assert spec.evidence == "hashed"
    assert (
        str(spec.problem("archive.carry", "is wrong")) == f"{tmp_path}/hunt.yaml:8: archive.carry: is wrong"
    )


def test_a_predicate_is_read_with_the_hunt_and_its_mistakes_have_a_line_and_a_character(
    tmp_path: Path,
) -> None:
    text = SMALL.replace("a.parquet}", "a.parquet, where: \"lang IN ('en','de')\"}")
    spec = load_hunt(write(tmp_path, text))
    assert spec.where is not None
    assert spec.where.columns == ("lang",)
    assert spec.as_dict()["archive"] == {
        "uri": [f"{tmp_path}/a.parquet"],
        "text_columns": "auto",
        "where": spec.where.text,
    }
    block = SMALL.replace(
        "archive: {uri: a.parquet}", "archive:\n  uri: a\n  where: |\n    a = 1\n    AND f(b)\n"
    )
    (problem,) = problems(write(tmp_path, block))
    assert problem.startswith("6: archive.where: at character 5: ")


def test_columns_that_a_file_may_lack(tmp_path: Path) -> None:
    def optional(keys: str) -> tuple[str, ...]:
        text = SMALL.replace("a.parquet}", f"a.parquet, text_columns: [a, '`b`.c', 'm{{}}'], {keys}}}")
        return load_hunt(write(tmp_path, text)).optional

    assert optional("optional: true") == ("a", "b.c", "m{}")
    assert optional("optional: false") == ()
    assert optional("optional: ['m{}', b.c]") == ("m{}", "b.c")
    assert optional("optional: a") == ("a",)


def test_signatures_are_named_as_short_as_the_user_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hunts").mkdir()
    write(tmp_path / "hunts", SMALL)
    monkeypatch.chdir(tmp_path)
    assert load_hunt("hunts/hunt.yaml").signatures == ("hunts/s.yaml",)


def test_what_is_left_out_has_a_default_and_is_left_out_of_the_record(tmp_path: Path) -> None:
    spec = load_hunt(write(tmp_path, SMALL))
    assert (spec.text_columns, spec.record_id, spec.carry, spec.evidence) == ("auto", None, (), "masked")
    assert spec.as_dict() == {
        "hunt": "small",
        "archive": {"uri": [f"{tmp_path}/a.parquet"], "text_columns": "auto"},
        "signatures": [f"{tmp_path}/s.yaml"],
        "output": f"{tmp_path}/out",
        "evidence": "masked",
    }


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("hunt: small", "hunt: Small Hunt", "1: hunt: a name begins with a-z, goes on with a-z"),
        ("hunt: small", "hunt: ../up", "1: hunt: a name begins with a-z, goes on with a-z"),
        ("hunt: small", f"hunt: {'x' * 65}", "1: hunt: a name begins with a-z"),
        ("hunt: small", "hunt: [a, b]", "1: hunt: must be one text"),
        ("hunt: small", "hunt:", "1: hunt: `hunt` has no value"),
        ("hunt: small\n", "", "1: hunt: is missing; write `hunt: nightly-fraud`"),
        (
            "archive: {uri: a.parquet}\n",
            "",
            "1: archive: is missing; write `archive: ` and below it, indented",
        ),
        ("{uri: a.parquet}", "a.parquet", "2: archive: must be a map; write `uri:`"),
        ("uri: a.parquet", "record_id: id", "2: archive.uri: is missing; write `uri: archive/`"),
        ("uri: a.parquet", "uri: []", "2: archive.uri: must be a text or a list of texts"),
        ("uri: a.parquet", "uri: [a, a]", "2: archive.uri: `a` is listed twice"),
        (
            "uri: a.parquet",
            "uri: 'hdfs://bucket/x'",
            "2: archive.uri: `hdfs://bucket/x`: `hdfs://` is no store that hindcast reads; write an `s3://`",
        ),
        ("a.parquet}", "a.parquet, optional: [text]}", "2: archive.optional: needs named text columns"),
        ("a.parquet}", "a.parquet, text_columns: [a], optional: [b]}", "`b` is not one of the text columns"),
        ("a.parquet}", "a.parquet, text_columns: [a], optional: ['b[']}", "2: archive.optional: b[: "),
        ("a.parquet}", "a.parquet, where: 'x >'}", "2: archive.where: at character "),
        ("a.parquet}", "a.parquet, where: [x]}", "2: archive.where: must be one text"),
        (
            "a.parquet}",
            "a.parquet, filter: x}",
            "2: archive.filter: there is no such key; the keys here are `uri`",
        ),
        (
            "a.parquet}",
            "a.parquet, recordid: x}",
            "2: archive.recordid: there is no such key; did you mean `record_id`?",
        ),
        ("a.parquet}", "a.parquet, text_columns: ['a..b']}", "2: archive.text_columns: a..b: "),
        ("a.parquet}", "a.parquet, record_id: [x]}", "2: archive.record_id: must be one text"),
        ("signatures: [s.yaml]\n", "", "1: signatures: is missing; write `signatures: signatures/`"),
        (
            "output: out",
            "output: 'gs:///x'",
            "4: output: `gs:///x`: names no bucket; write `gs://bucket/key`",
        ),
        ("output: out", "outptu: out", "4: outptu: there is no such key; did you mean `output`?"),
        (
            "output: out",
            "output: out\nevidence: none",
            "5: evidence: must be one of `masked`, `hashed`, `clear`",
        ),
        (
            "output: out",
            "output: out\nschedule: {cron: x}",
            "5: schedule.cron: must have five fields",
        ),
        ("output: out", "output: out\noutput: b", "5: output: `output` is written twice here"),
        ("output: out", "output: [", ": this is not YAML"),
    ],
)
def test_each_mistake_has_its_line_and_its_remedy(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in SMALL
    found = problems(write(tmp_path, SMALL.replace(old, new)))
    assert [p for p in found if problem in p], found


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "hunt: NO\narchive:\n  uri: 'ftp://x/'\n  where: y =\nsignatures: s.yaml\noutptu: o\n"
    lines = [problem.split(":")[0] for problem in problems(write(tmp_path, text))]
    assert lines == ["1", "1", "3", "4", "6"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is not a hunt; write the keys `hunt`, `archive`"),
        ("just text", "is not a hunt"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"#" * 1_000_001, "is larger than 1 MB"),
    ],
)
def test_what_is_no_hunt_file_at_all(tmp_path: Path, content: str | bytes, problem: str) -> None:
    (found,) = problems(write(tmp_path, content))
    assert problem in found


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(HuntError, match=r"nothing\.yaml: cannot be read: no such file"):
        load_hunt(tmp_path / "nothing.yaml")
    with pytest.raises(HuntError, match="cannot be read: is a directory"):
        load_hunt(tmp_path)


NO_SUCH_KEYS = """\
qqq: 1
archive: {qqq: 1}
limits: {qqq: 1}
storage: {qqq: 1, s3: {qqq: 1}, gcs: {qqq: 1}}
cluster: {qqq: 1}
schedule: {qqq: 1}
alerts: {qqq: 1, webhook: {qqq: 1}}
"""


def test_the_readme_has_every_key_of_a_hunt(tmp_path: Path) -> None:
    known = set()
    for problem in problems(write(tmp_path, NO_SUCH_KEYS)):
        place, _, keys = problem.partition("qqq: there is no such key; the keys here are ")
        known |= {place.rpartition(" ")[2] + key for key in re.findall("`([^`]*)`", keys)}
    sections = {key.rpartition(".")[0] for key in known}
    assert len(sections) == NO_SUCH_KEYS.count("qqq"), "each is asked for its keys"
    told = keys_in_table("jobs/README.md", "Every key of a hunt")
    assert sorted(told) == sorted(known - sections)
