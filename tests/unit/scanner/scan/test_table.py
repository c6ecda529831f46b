import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import scanner
from scanner.archive.columns.paths import ColumnError
from scanner.scan.table import SCAN_SCHEMA, UndecidedWarning
from tests.support.signatures import regex, ruleset, signature

RULES = ruleset(signature("s", regex("b+")), signature("t", regex("b"), columns=("who.bio",)))
TABLE = pa.table({"text": ["abb", None, "b"] * 5_000, "who": [{"bio": "b", "age": 3}] * 15_000})


def test_rows_are_counted_over_all_batches() -> None:
    found = scanner.scan(TABLE, RULES, ["text"])
    assert found.schema.equals(SCAN_SCHEMA)
    assert found["row_index"].to_pylist() == [row for row in range(15_000) if row % 3 != 1]


def test_every_text_column_is_scanned_where_none_is_named() -> None:
    found = scanner.scan(TABLE.slice(0, 1), RULES)
    assert found.select(["column", "signature_id"]).to_pylist() == [
        {"column": "text", "signature_id": "s"},
        {"column": "who.bio", "signature_id": "s"},
        {"column": "who.bio", "signature_id": "t"},
    ]


@pytest.mark.parametrize("wrap", [ds.dataset, lambda table: table.to_reader()], ids=["dataset", "reader"])
def test_datasets_and_readers(wrap: object) -> None:
    assert callable(wrap)
    assert scanner.scan(wrap(TABLE), RULES).equals(scanner.scan(TABLE, RULES))


def test_evidence_is_masked() -> None:
    assert scanner.scan(TABLE.slice(0, 1), RULES, ["text"])["evidence"].to_pylist() == ["*⟦**⟧"]


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(ColumnError, match="txt"):
        scanner.scan(TABLE, RULES, ["txt"])


def test_the_name_of_one_column_is_not_taken_letter_by_letter() -> None:
    assert scanner.scan(TABLE, RULES, "text").equals(scanner.scan(TABLE, RULES, ["text"]))


def test_cells_that_are_not_decided_are_told() -> None:
    undecided = ruleset(signature("s", regex("^(?:(a+)+c|a*b)")))
    with pytest.warns(
        UndecidedWarning, match="1 cells of text are not decided, the first for s: match limit"
    ):
        assert not scanner.scan(pa.table({"text": ["a" * 40 + "b"]}), undecided).num_rows


def test_what_is_no_table_is_refused_with_what_to_do() -> None:
    with pytest.raises(TypeError, match="list is no table; a DataFrame becomes one by"):
        scanner.scan([["a"]], RULES)  # type: ignore[arg-type]
