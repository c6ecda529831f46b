"""What is said of a file that has not the columns of the others."""

from scanner.archive.columns.paths import ColumnError, NoColumnError
from scanner.archive.planning.lacking import why_not


def lacks(*paths: str) -> list[ColumnError]:
    return [NoColumnError(path, "there is no such column; there are `id`, `text`") for path in paths]


def test_one_line_names_all_that_a_file_lacks_and_where_to_say_that_this_is_meant() -> None:
    text = ("author.bio", "replies[].text", "payload->$.message")
    assert why_not(lacks(*text), text) == (
        "lacks the columns author.bio, replies[].text, payload->$.message; "
        "where that is meant, a hunt names them in `archive.optional`"
    )


def test_what_a_hunt_needs_otherwise_is_not_called_optional_and_is_named_once() -> None:
    assert why_not(lacks("id", "lang", "lang"), ["text"]) == "lacks the columns id, lang"
    both = why_not([*lacks("text", "id"), ColumnError("at", "holds int64")], ["text"])
    meant = "lacks the column text; where that is meant, a hunt names it in `archive.optional`"
    assert both == f"lacks the column id; {meant}; column at: holds int64"


def test_a_line_stays_short_however_many_columns_are_missing() -> None:
    names = [f"column{number}" for number in range(1005)]
    told = why_not(lacks(*names), names)
    assert told.startswith("lacks the columns column0, column1, column2, column3, column4 and 1,000 more; ")
    assert len(told) < 200
