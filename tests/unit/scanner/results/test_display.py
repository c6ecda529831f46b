from dataclasses import replace
from pathlib import Path

import pytest

from scanner.results.display import State, found_line, headline
from scanner.results.finish import finish
from scanner.results.reader import open_results
from tests.support.results import RULESET, commit_split, hit, record, sample_run
from tests.support.signatures import literal, signature


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (State("complete", 812, 0, 0), "COMPLETE"),
        (State("complete with gaps", 812, 3, 0), "COMPLETE WITH GAPS: 3 of 812 splits were not read in full"),
        (
            State("complete with gaps", 3000, 1, 0),
            "COMPLETE WITH GAPS: 1 of 3,000 splits was not read in full",
        ),
        (State("complete with gaps", 8, 0, 1), "COMPLETE WITH GAPS: 1 match could not be decided"),
        (
            State("complete with gaps", 8, 2, 5),
            "COMPLETE WITH GAPS: 2 of 8 splits were not read in full; 5 matches could not be decided",
        ),
        (
            State("complete with gaps", 8, 0, 0, 1),
            "COMPLETE WITH GAPS: 1 cell is no JSON and was not read",
        ),
        (
            State("complete with gaps", 4, 3, 0, files=4, files_unreadable=3),
            "COMPLETE WITH GAPS: 3 of 4 files could not be read at all",
        ),
        (
            State("complete with gaps", 9, 2, 0, files=4, files_unreadable=1),
            "COMPLETE WITH GAPS: 1 of 4 files could not be read at all; 1 of 8 splits was not read in full",
        ),
        (State("unfinished", 12, 0, 0), "UNFINISHED: 12 splits are done"),
        (
            State("unfinished", 12, 1, 0),
            "UNFINISHED: 12 splits are done; 1 of 12 splits was not read in full",
        ),
    ],
)
def test_the_headline_says_whether_all_was_read(state: State, line: str) -> None:
    assert headline(state) == line


def test_what_was_found_is_one_line() -> None:
    found = {"hits": 1240, "records": 1198, "actors": 902}
    assert found_line(found) == "1,240 hits in 1,198 records by 902 actors"
    assert found_line({"hits": 1, "records": 1, "actors": None}) == "1 hit in 1 record"
    assert found_line({"hits": 0, "records": 0, "actors": 0}) == "0 hits"


def test_text_and_card_begin_with_the_headline(tmp_path: Path) -> None:
    results = open_results(sample_run(tmp_path, failed=True))
    line = "COMPLETE WITH GAPS: 1 of 3 splits was not read in full"
    assert repr(results).splitlines() == [
        line,
        "nightly  run 20261122T030000Z-a1b2c3",
        "4 hits in 3 records by 2 actors",
    ]
    card = results._repr_html_()
    assert card.startswith(f"<div><b>{line}</b><br>")
    assert card.index("fraud.a") < card.index("fraud.b")
    assert "idle.c" not in card


def test_a_card_holds_nothing_that_a_browser_would_run(tmp_path: Path) -> None:
    hostile = replace(signature("x", literal("x")), id="<img src=x onerror=alert(1)>\u202e&\x1b[2J")
    run = str(tmp_path / "hunt=<b>" / "run=<i>")
    commit_split(run, 0, [hit(hostile.id, 1)])
    finish(run, record(rules=replace(RULESET, signatures=(hostile,))))
    results = open_results(run)
    card = results._repr_html_()
    assert "<img" not in card
    assert "<b>&lt;" not in card
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;[2J" in card
    assert "&lt;b&gt;" in card
    assert not {"\x1b", "\u202e"} & set(card + repr(results))
