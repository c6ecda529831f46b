import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import scanner
from jobs.cli.main import main
from scanner.errors import SignatureError
from scanner.signatures.schema import json_schema

GOOD = """
signatures:
- id: fraud.doubling
  severity: high
  category: fraud
  expires: 9999-01-01
  columns: [caption]
  patterns: {promise: {regex: 'double\\s+your', flags: i}, trusted: {literal: friend}}
  condition: promise and trusted
  examples: {match: ["Double your coins, friend"], no_match: [double your coins]}
- id: fraud.airdrop
  literal: airdrop
  examples: {match: [an airdrop], no_match: [a drop]}
"""
FAILING = r"""
signatures:
- id: wrong
  literal: coins
  examples:
    match: [free coins, "\e[31mfree coin"]
    no_match:
      - paid
      - no coins
- id: slow
  regex: '^(?:a|a)+$'
  examples:
    no_match: ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!']
- {id: untested, literal: x}
"""


@pytest.fixture
def good(here: Path) -> str:
    (here / "good.yaml").write_text(GOOD, encoding="utf-8")
    return "good.yaml"


def test_check_says_so_where_nothing_is_wrong(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signatures", "check", good, "--warnings-as-errors"]) == 0
    assert capsys.readouterr().out == "2 signatures in 1 file: no problems\n"


def test_check_reports_the_reader_the_engine_and_the_lint_together(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.yaml").write_text(
        "signatures:\n"
        "- {id: a, regex: x, severity: hgih}\n"
        "- id: b\n"
        "  regex: '(x'\n"
        "  examples: {match: [x], no_match: [y]}\n"
        '- {id: "c\\e[31m", regex: x}\n'
        "- {id: d, regex: x}\n",
        encoding="utf-8",
    )

    assert main(["signatures", "check", "bad.yaml"]) == 2

    *problems, verdict = capsys.readouterr().out.splitlines()
    assert [problem.split(": ")[:3] for problem in problems] == [
        ["bad.yaml:2", "a", "`severity` cannot be `hgih`; did you mean `high`?"],
        ["bad.yaml:6", "signature 3", problems[1].split(": ")[2]],
        ["bad.yaml:4", "b", problems[2].split(": ")[2]],
        ["bad.yaml:7", "warning", "d"],
    ]
    assert "does not compile" in problems[2]
    assert "\x1b" not in problems[1]
    assert verdict == "3 problems and 1 warning in 1 file"


FLAWED = r"""
signatures:
- {id: a, regex: '(unclosed', flags: i, severty: high}
- id: b
  patterns: {one: {regex: '[unclosed'}, two: {regex: y, flags: q}, three: {regex: '(z', flags: q}}
  condition: one and
  allow: [{regex: '*'}]
- {id: b, regex: '(again'}
- {regex: '(unnamed'}
- id: c
  regex: (cut #off)
"""


def test_a_pattern_is_compiled_though_something_else_is_wrong(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.yaml").write_text(FLAWED, encoding="utf-8")
    assert main(["signatures", "check", "bad.yaml"]) == 2
    told = capsys.readouterr().out.splitlines()
    assert any(
        "bad.yaml:3: a: `severty` is not a key here; did you mean `severity`?" in each for each in told
    )
    refused = [each.split(" does not compile")[0] for each in told if "does not compile" in each]
    # Nothing more is told of a pattern that is known to be wrong.
    assert [(each.split(": ")[0], each.split(": ")[1]) for each in refused] == [
        ("bad.yaml:3", "a"),
        ("bad.yaml:5", "b"),
        ("bad.yaml:7", "b"),
        ("bad.yaml:8", "b"),
        ("bad.yaml:9", "signature 4"),
    ]
    (here / "lines.txt").touch()
    assert main(["scan", "lines.txt", "-s", "bad.yaml"]) == 2
    assert capsys.readouterr().err.count("does not compile") == len(refused)
    with pytest.raises(SignatureError) as caught:
        scanner.load_signatures("bad.yaml")
    assert str(caught.value).count("does not compile") == len(refused)


def test_warnings_fail_a_check_only_where_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "untested.yaml").write_text("signatures: [{id: a, regex: x}]", encoding="utf-8")

    assert main(["signatures", "check", "untested.yaml"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 signature in 1 file: 1 warning"
    assert main(["signatures", "check", "untested.yaml", "--warnings-as-errors"]) == 2


def test_check_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bad.yaml").write_text("signatures:\n- {id: a}\n- {id: b, regex: x}\n", encoding="utf-8")

    assert main(["signatures", "check", "bad.yaml", "--json"]) == 2

    report = json.loads(capsys.readouterr().out)
    assert (report["files"], report["signatures"]) == (1, 1)
    assert [(each["line"], each["subject"], each["warning"]) for each in report["problems"]] == [
        (2, "a", False),
        (3, "b", True),
    ]


def test_examples_pass_wherever_the_signature_may_look(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signatures", "test", good]) == 0
    assert capsys.readouterr().out == (
        "2 signatures, 4 examples: all passed, by the engine and by the oracle\n"
    )


def test_examples_that_fail_are_named_and_not_shown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "failing.yaml").write_text(FAILING, encoding="utf-8")

    assert main(["signatures", "test", "failing.yaml"]) == 2

    out = capsys.readouterr().out
    first, second, undecided, summary = out.splitlines()
    assert first == "failing.yaml:6: wrong: example 2 of `match` is not hit (engine and oracle)"
    assert second == "failing.yaml:9: wrong: example 2 of `no_match` is hit (engine and oracle)"
    # Undecided is not passed, though no hit was wanted.
    assert undecided.startswith("failing.yaml:13: slow: example 1 of `no_match` could not be decided: ")
    assert summary == "3 signatures, 5 examples: 3 failed; 1 signature without examples"
    assert "coin" not in out


def test_show_prints_the_texts_safely(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "failing.yaml").write_text(FAILING, encoding="utf-8")

    assert main(["signatures", "test", "failing.yaml", "--show"]) == 2
    assert capsys.readouterr().out.splitlines()[1] == "    ␛[31mfree coin"
    assert main(["signatures", "test", "failing.yaml", "--show", "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["untested"] == ["untested"]
    assert report["failures"][0] == {
        "signature_id": "wrong",
        "kind": "match",
        "index": 1,
        "file": "failing.yaml",
        "line": 6,
        "judges": ["engine", "oracle"],
        "outcome": "is not hit",
        "text": "\x1b[31mfree coin",
    }


@pytest.mark.parametrize("verb", ["test", "list"])
def test_a_wrong_file_is_refused_whole(
    verb: str, good: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.yaml").write_text("signatures: [{id: a}, {regex: x}]", encoding="utf-8")

    assert main(["signatures", verb, good, "bad.yaml", "gone.yaml"]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 3


def test_list_shows_what_there_is(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signatures", "list", good, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["id"], row["patterns"], row["condition"], row["expires"]) for row in rows] == [
        ("fraud.doubling", 2, "promise and trusted", "9999-01-01"),
        ("fraud.airdrop", 1, "pattern", None),
    ]

    assert main(["signatures", "list", good]) == 0
    table = capsys.readouterr().out
    assert [line.split() for line in table.splitlines() if "fraud" in line] == [
        ["fraud.doubling", "high", "experimental", "fraud", "2", rows[0]["digest"][:12], "9999-01-01"],
        ["fraud.airdrop", "medium", "experimental", "1", rows[1]["digest"][:12]],
    ]


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signatures", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()


@pytest.mark.parametrize("verb", ["import"])
def test_verbs_to_come_are_refused_by_name(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signatures", verb, "x.yaml"]) == 2
    assert f"`hindcast signatures {verb}` is not built yet" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["check", "test", "list", "schema"])
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signatures", verb, "--help"]) == 0
    assert f"hindcast signatures {verb}" in capsys.readouterr().out.partition("Example:")[2]


def test_profile_names_each_signature_and_its_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.yaml").write_text("signatures: [{id: a.b, regex: zebra}]", encoding="utf-8")
    pq.write_table(pa.table({"text": ["a zebra", "none"]}), tmp_path / "a.parquet")
    words = ["signatures", "profile", str(tmp_path / "s.yaml"), "--on", str(tmp_path / "a.parquet")]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cells"], found["signatures"][0]["signature_id"]) == (2, "a.b")
    assert (found["signatures"][0]["candidates"], found["signatures"][0]["hits"]) == (1, 1)
    assert (found["records"], found["records_in_all"]) == (2, 2)
    assert main(words) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("2 cells of 2 records, 11 B, the longest 7 B: join ")
    # Advice has a line of its own, however narrow the terminal is.
    assert rest[-2:] == ["what to change:", "  a.b: hits 50% of the cells; is it meant to?"]


def test_profile_says_first_what_it_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.yaml").write_text("signatures: [{id: a.b, regex: zebra}]", encoding="utf-8")
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("text,more\n" + "no,yes\n" * 1_024, encoding="utf-8")
    words = ["signatures", "profile", str(tmp_path / "s.yaml"), "--on", str(tmp_path / "*.csv")]
    monkeypatch.setattr("jobs.trying.profile.MAX_CELLS", 2_048)
    assert main(words) == 0
    told = capsys.readouterr().out
    assert told.startswith("2,048 cells of 1,024 of 2,048 records, taken evenly, 5.1 kB, the longest 3 B: ")
    monkeypatch.setattr("jobs.trying.sample.MAX_TEXT_BYTES", 1_024 * 7 * 3 // 2)
    assert main(words) == 0
    told = capsys.readouterr().out
    assert told.startswith("2,048 cells of 1,024 records, taken evenly out of more that were not counted, ")


def test_profile_tells_of_all_formats_and_of_how_much_it_looks_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signatures", "profile", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Parquet, CSV, TSV, JSONL, ORC or Arrow files" in told
    assert "200,000 cells" in told
