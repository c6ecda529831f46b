import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.cli import render


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        (
            "plain text, émoji 👩\u200d💻, ไทย می\u200cکنم",
            "plain text, émoji 👩\u200d💻, ไทย می\u200cکنم",
        ),
        ("b\x1b[2J.parquet", "b␛[2J.parquet"),
        ("\x1b]0;title\x07after", "␛]0;title␇after"),
        ("\x9b2Jclear", r"\u009b2Jclear"),
        ("one\r\ntwo\tthree\u2028four", r"one␍␊two␉three\u2028four"),
        ("a\x00b\x07c\x7fd\x85", r"a␀b␇c␡d\u0085"),
        ("\u202eevil\u2066x\u2069\u200e", r"\u202eevil\u2066x\u2069\u200e"),
        ("hid\u200bden\ufeff\U000e0041\xad", r"hid\u200bden\ufeff\U000e0041\u00ad"),
        ("half \ud83d", r"half \ud83d"),
    ],
)
def test_what_could_move_a_terminal_is_shown_and_not_obeyed(hostile: str, shown: str) -> None:
    assert render.safe(hostile) == shown


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b2Jclear", "clear"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]never ended", "never ended"),
        ("\x1bPdevice\x1b\\after", "after"),
        ("\x1b(Bset", "set"),
        ("one\r\ntwo\tthree\u2028four", "one two three four"),
        ("a\x00b\x07c\x7fd\x85", "a␀b␇c␡d "),
        ("\u202eevil", r"\u202eevil"),
    ],
)
def test_lines_of_programs_lose_their_colours(hostile: str, shown: str) -> None:
    assert render.safe_line(hostile) == shown


@given(st.text(st.characters(codec=None)))
def test_safe_text_is_one_encodable_line_and_stays_as_it_is(text: str) -> None:
    shown = render.safe(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in shown)
    assert render.safe(shown) == shown
    shown.encode()


def test_markup_in_data_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    table = render.table(["column", "hits"], numbers=["hits"])
    table.add_row("[bold]x[/bold] :smile:", "12")
    render.console().print(table)
    assert "[bold]x[/bold] :smile:" in capsys.readouterr().out


def test_json_escapes_what_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "\x9b2J\u202e", "at": datetime(2026, 1, 2, tzinfo=UTC), "on": date(2026, 1, 2)}
    render.print_json(value)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == {
        "text": "\x9b2J\u202e",
        "at": "2026-01-02T00:00:00+00:00",
        "on": "2026-01-02",
    }
    assert json.loads(render.json_line(value)) == json.loads(printed)
    assert "\n" not in render.json_line(value)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (render.number(1234567), "1,234,567"),
        (render.plural(1, "hit"), "1 hit"),
        (render.plural(2048, "hit"), "2,048 hits"),
        (render.size(512), "512 B"),
        (render.size(1_234_567_890), "1.2 GB"),
        (render.size(2e18), "2,000.0 PB"),
        (render.duration(0.4249), "0.42 s"),
        (render.duration(12.34), "12.3 s"),
        (render.duration(245), "4 min 05 s"),
        (render.duration(7385), "2 h 03 min"),
    ],
)
def test_numbers_for_people(shown: str, expected: str) -> None:
    assert shown == expected
