import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.preparing import prepare as prepare_module
from jobs.preparing.prepare import Prepared, check_output, load_for, prepare
from scanner.errors import HuntError, InputError, SignatureError

TODAY = date(2026, 5, 1)

HUNT = """\
hunt: small
archive:
  uri: archive
  text_columns: [text]
  carry: [lang]
signatures: signatures.yaml
output: results
"""

SIGNATURES = """\
signatures:
  - {id: t.one, literal: one}
  - {id: t.old, literal: old, expires: 2026-05-01}
  - {id: t.new, literal: new, expires: 2026-05-02}
  - {id: t.elsewhere, literal: x, columns: [caption]}
"""


@pytest.fixture
def hunt(here: Path) -> Path:
    (here / "archive").mkdir()
    table = pa.table({"text": ["one"], "lang": ["en"], "n": [1], "severity": ["s"]})
    pq.write_table(table, here / "archive" / "a.parquet")
    (here / "signatures.yaml").write_text(SIGNATURES)
    (here / "hunt.yaml").write_text(HUNT)
    return here


def ids(prepared: Prepared) -> tuple[list[str], list[str]]:
    loaded = prepared.signatures
    return [s.id for s in loaded.ruleset.signatures], [s.id for s in loaded.expired]


def test_what_expired_does_not_run_and_what_has_no_column_is_told(hunt: Path) -> None:
    prepared = prepare("hunt.yaml", TODAY)
    assert ids(prepared) == (["t.one", "t.new", "t.elsewhere"], ["t.old"])
    assert list(map(str, prepared.warnings)) == [
        "signatures.yaml:5: warning: t.elsewhere: finds nothing here: none of its columns (caption) is read"
    ]
    assert not (hunt / "results").exists()


@pytest.mark.usefixtures("hunt")
def test_the_size_of_the_archive_chooses_where_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepare("hunt.yaml", TODAY).executor == "inline"
    assert prepare("hunt.yaml", TODAY, "ray").executor == "ray"
    monkeypatch.setattr(prepare_module, "INLINE_BYTES", 1)
    assert prepare("hunt.yaml", TODAY).executor == "ray"
    assert prepare("hunt.yaml", TODAY, "inline").executor == "inline"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("uri: archive", "uri: nothing", "hunt.yaml:3: archive.uri: {here}/nothing: is not there"),
        ("[text]", "[txt]", "hunt.yaml:4: archive.text_columns: {here}/archive/a.parquet: txt: "),
        ("[text]", "[n]", "hunt.yaml:4: archive.text_columns: {here}/archive/a.parquet: n: "),
        ("[lang]", "[langs]", "hunt.yaml:5: archive.carry: {here}/archive/a.parquet: langs: "),
        ("[lang]", "[severity]", "hunt.yaml:5: archive.carry: severity: hits have a column of this name"),
        ("results", "archive/out", "hunt.yaml:7: output: {here}/archive/out lies inside the archive"),
        ("signatures.yaml", "none.yaml", "none.yaml: "),
    ],
)
def test_each_problem_is_told_with_the_line_that_led_to_it(
    hunt: Path, old: str, new: str, expected: str
) -> None:
    (hunt / "hunt.yaml").write_text(HUNT.replace(old, new))
    with pytest.raises(InputError) as caught:
        prepare("hunt.yaml", TODAY)
    (problem,) = caught.value.problems
    assert str(problem).startswith(expected.format(here=hunt))


@pytest.mark.parametrize("uri", ["archive", "archive/a.parquet"])
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("lang = 5", "`lang` holds text; write the value in quotes"),
        ("n > 'x'", "`n` holds int64; write a number, without quotes"),
        ("text = 5", "`text` holds text; write the value in quotes"),
        ("severity = 's' and n like 'x%'", "`n` holds int64, not text; LIKE is for texts"),
    ],
)
def test_what_is_wrong_with_a_predicate_is_told_there_and_not_where_its_column_is_named(
    hunt: Path, uri: str, where: str, expected: str
) -> None:
    text = HUNT.replace("uri: archive", f"uri: {uri}\n  record_id: n\n  where: {where}")
    (hunt / "hunt.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        prepare("hunt.yaml", TODAY)
    told = f"hunt.yaml:5: archive.where: {hunt}/archive/a.parquet: {expected}"
    assert list(map(str, caught.value.problems)) == [told]


def test_a_column_that_two_keys_name_and_no_file_has_is_told_at_both(hunt: Path) -> None:
    text = HUNT.replace("[lang]", "langs\n  where: langs = 'en'").replace(
        "uri: archive", "uri: archive/a.parquet"
    )
    (hunt / "hunt.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        prepare("hunt.yaml", TODAY)
    assert [problem.line for problem in caught.value.problems] == [5, 6]
    assert [problem.subject for problem in caught.value.problems] == ["archive.carry", "archive.where"]


def test_every_source_that_is_not_there_is_told(hunt: Path) -> None:
    text = HUNT.replace("uri: archive", "uri: [archive, nothing, archive/none.csv, archive/*.parquet, more/]")
    (hunt / "hunt.yaml").write_text(text.replace("  text_columns", "  manifest: no.txt\n  text_columns"))
    with pytest.raises(InputError) as caught:
        prepare("hunt.yaml", TODAY)
    told = list(map(str, caught.value.problems))
    assert [problem.line for problem in caught.value.problems] == [3, 3, 3, 4]
    for line, name in zip(told, ("nothing", "archive/none.csv", "more", "no.txt"), strict=True):
        assert f"{hunt}/{name}" in line


def test_results_of_an_earlier_run_are_no_archive(hunt: Path) -> None:
    earlier = hunt / "archive" / "hunt=small" / "run=1"
    earlier.mkdir(parents=True)
    (hunt / "archive" / "a.parquet").rename(earlier / "a.parquet")
    text = HUNT.replace("uri: archive", "uri: archive/*/*/*.parquet").replace("results", "archive")
    (hunt / "hunt.yaml").write_text(text)
    with pytest.raises(InputError, match="lies inside the archive"):
        prepare("hunt.yaml", TODAY)


def test_problems_of_signatures_and_archive_are_told_together(hunt: Path) -> None:
    (hunt / "hunt.yaml").write_text(HUNT.replace("uri: archive", "uri: nothing"))
    (hunt / "signatures.yaml").write_text(
        "signatures:\n  - {id: t.a, regex: 'a('}\n  - {id: t.b, literal: b, colour: red}\n"
    )
    with pytest.raises(InputError) as caught:
        prepare("hunt.yaml", TODAY)
    told = "\n".join(map(str, caught.value.problems))
    for part in ("signatures.yaml:2: t.a: ", "signatures.yaml:3: t.b: ", "hunt.yaml:3: archive.uri: "):
        assert part in told


def test_nothing_to_look_for_is_refused(hunt: Path) -> None:
    with pytest.raises(SignatureError, match="every signature here has expired"):
        load_for(_only(hunt, "{id: t.old, literal: old, expires: 2026-05-01}"), TODAY)


def _only(folder: Path, signature: str) -> list[str]:
    path = folder / "only.yaml"
    path.write_text(f"signatures:\n  - {signature}\n")
    return [str(path)]


def test_an_output_that_cannot_be_written_is_refused(hunt: Path) -> None:
    (hunt / "results").write_text("a file")
    prepared = prepare("hunt.yaml", TODAY)
    with pytest.raises(HuntError, match=r"hunt\.yaml:7: output: .*results: cannot be written"):
        check_output(prepared.spec)


def test_without_ray_the_remedy_is_told(hunt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'hindcast\[cluster\]'"):
        prepare(str(hunt / "hunt.yaml"), TODAY, "ray")
