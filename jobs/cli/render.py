"""What every verb prints with: text that is safe on a terminal, JSON for machines, numbers for people."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Column, Table

from scanner.errors import Problem

PIPE_COLUMNS = 160
"""Width of tables that do not go to a terminal, so that a pipe or a log gets them uncut."""

_ESCAPE_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]{0,999}(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, APC
    r"|\x1b[ -/]*[0-~]"
)
_BREAKS = re.compile("\r\n|[\t\n\v\f\r\x85\u2028\u2029]")
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # order of writing
    "\u2028\u2029"  # line breaks
    "\xad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible
    "\ud800-\udfff]"  # halves of characters, which no terminal's encoding takes
)

_SPACE = 0x20
_DELETE = 0x7F
_PICTURES = 0x2400
"""Where Unicode has pictures of the control characters, in their order."""
_LAST_OF_FOUR_DIGITS = 0xFFFF

_NEXT_LINE = re.compile(r", (?=[\d.,]+ .?B of |[\d,]+ records?\b)")

_LEAST_WIDTH = 6
"""What a column that gives way keeps."""
_BETWEEN_COLUMNS = 3
_NO_TERMINAL_IS_WIDER = 10_000

_THOUSAND = 1000
_MINUTE_S = 60
_HOUR_S = 3600


def safe(text: str) -> str:
    r"""The text as one line that cannot move, colour or reorder anything on a terminal, and hides nothing.

    Control characters, line breaks and tabs among them, are shown as their pictures: ``␛``, ``␊``. Controls of the
    writing direction and invisible characters are shown as ``\u202e``. So a name still leads to what it names.
    Joiners stay: Persian words and emoji need them.
    """
    return _UNSAFE.sub(_visible, text)


def safe_line(text: str) -> str:
    """A line that a program has printed, as `safe` shows it, without its colours.

    Escape sequences are dropped; tabs and line breaks become one space each.
    """
    return safe(_BREAKS.sub(" ", _ESCAPE_SEQUENCES.sub("", text)))


def _visible(unsafe: re.Match[str]) -> str:
    code = ord(unsafe[0])
    if code < _SPACE:
        return chr(_PICTURES + code)
    if code == _DELETE:
        return "␡"
    return f"\\u{code:04x}" if code <= _LAST_OF_FOUR_DIGITS else f"\\U{code:08x}"


def console(*, stderr: bool = False) -> Console:
    """A console that prints what it is given: no markup, no emoji codes, no guessed colours."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
        width=None if stream.isatty() else PIPE_COLUMNS,
    )


def table(columns: Sequence[str], numbers: Iterable[str] = (), whole: Iterable[str] = ()) -> Table:
    """An empty table of text; the columns named in ``numbers`` stand to the right, those in ``whole`` on one line.

    Cells are text: pass what comes from data through `safe`. Print it with `print_table` where columns are whole.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    right, uncut = set(numbers), set(whole)
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        made.add_column(column, justify=justify, overflow="fold", no_wrap=column in uncut)
    return made


def print_table(made: Table) -> None:
    """Prints a table on standard output; what is whole can be copied even where that is wider than the terminal."""
    out = console()
    widths = [_widest(column) if column.no_wrap else _LEAST_WIDTH for column in made.columns]
    out.width = max(out.width, sum(widths) + _BETWEEN_COLUMNS * len(widths))
    out.print(made)


def fits(made: Table) -> bool:
    """True where a table need not be narrowed for the terminal."""
    out = console()
    unbounded = out.options.update(width=_NO_TERMINAL_IS_WIDER)
    return out.measure(made, options=unbounded).maximum <= out.width


def _widest(column: Column) -> int:
    return max(cell_len(str(cell)) for cell in (column.header, *column.cells))


def print_json(value: object) -> None:
    """Prints one JSON document on standard output; dates as ISO 8601, everything beyond ASCII escaped."""
    click.echo(json.dumps(value, indent=2, default=_as_text))


def json_line(value: object) -> str:
    """One JSON document on one line, escaped as `print_json` does."""
    return json.dumps(value, default=_as_text)


def print_problems(problems: Iterable[Problem]) -> None:
    """Prints problems on standard error, one a line."""
    for problem in problems:
        click.echo(safe(str(problem)), err=True)


def number(value: float) -> str:
    """``1234567`` as ``1,234,567``."""
    return f"{value:,.0f}"


def plural(count: int, noun: str) -> str:
    """``1 hit``, ``2 hits``, ``1,234 hits``."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def part(count: int, total: int, noun: str) -> str:
    """``3 of 4 files``, or ``4 files`` where that is all of them."""
    return plural(total, noun) if count == total else f"{number(count)} of {plural(total, noun)}"


def size(value_bytes: float) -> str:
    """Bytes for people, in powers of ten: ``512 B``, ``1.2 GB``."""
    value = float(value_bytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < _THOUSAND:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= _THOUSAND
    return f"{value:,.1f} PB"


def duration(value_s: float) -> str:
    """Seconds for people: ``0.42 s``, ``12.3 s``, ``4 min 05 s``, ``2 h 03 min``."""
    if value_s < 1:
        return f"{value_s:.2f} s"
    if value_s < _MINUTE_S:
        return f"{value_s:.1f} s"
    if value_s < _HOUR_S:
        minutes, seconds = divmod(int(value_s), _MINUTE_S)
        return f"{minutes} min {seconds:02d} s"
    hours, rest = divmod(int(value_s), _HOUR_S)
    return f"{hours} h {rest // _MINUTE_S:02d} min"


def stacked(told: str) -> str:
    """How far a hunt is, in up to three lines, so that a narrow terminal cuts neither them nor the bar beside them."""
    return _NEXT_LINE.sub("\n", told)


def _as_text(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
