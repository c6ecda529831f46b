import io
import pickle
import re

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot.parser import Parser
from sqlglot.tokens import Tokenizer

from scanner.archive.columns.paths import ColumnError, ColumnPath, NoColumnError, Step
from scanner.archive.where import Predicate, Statistics, WhereError
from scanner.archive.where.tree import Column, Comparison, Value
from tests.support.predicates import predicates, tables, terms


def selected(table: pa.Table, texts: list[str]) -> list[list[int]]:
    """Rows that DuckDB selects. It gets a copy, because it would have Arrow filter the original."""
    given = table.append_column("row", pa.array(range(len(table)), pa.int64()))
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        database.register("given", given)
        database.execute("CREATE TABLE stored AS SELECT * FROM given")
        found = [
            database.execute(f"SELECT row FROM stored WHERE {text} ORDER BY row").fetchall()  # noqa: S608 - our own
            for text in texts
        ]
    return [[row for (row,) in rows] for rows in found]


def kept(table: pa.Table, text: str) -> list[int]:
    predicate = Predicate.parse(text)
    predicate.check(table.schema)
    (batch,) = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
    mask = predicate.mask(batch)
    assert (len(mask), mask.null_count) == (len(table), 0)
    return [row for row, keep in enumerate(mask.to_pylist()) if keep]


@settings(max_examples=40)
@given(tables(), st.lists(terms() | predicates(), min_size=20, max_size=40, unique=True))
def test_a_mask_keeps_the_rows_that_duckdb_selects(table: pa.Table, texts: list[str]) -> None:
    assert dict(zip(texts, [kept(table, text) for text in texts], strict=True)) == dict(
        zip(texts, selected(table, texts), strict=True)
    )


@settings(max_examples=100)
@given(predicates())
def test_the_text_of_a_predicate_reads_as_the_same_predicate(text: str) -> None:
    predicate = Predicate.parse(text)
    assert Predicate.parse(predicate.text) == predicate
    assert pickle.loads(pickle.dumps(predicate)) == predicate  # noqa: S301 - our own bytes


@settings(max_examples=150)
@given(tables(rows=9), predicates(), st.data())
def test_pruning_never_removes_a_row_that_the_mask_keeps(
    table: pa.Table, text: str, data: st.DataObject
) -> None:
    stored = io.BytesIO()
    with_statistics = data.draw(st.just(True) | st.lists(st.sampled_from(table.schema.names)))
    pq.write_table(
        table, stored, row_group_size=data.draw(st.integers(1, 4)), write_statistics=with_statistics
    )
    predicate = Predicate.parse(text)
    with pq.ParquetFile(stored) as file:
        statistics = Statistics.of(file.schema_arrow, predicate.columns)
        for index in range(file.num_row_groups):
            group = file.metadata.row_group(index)
            why_not = predicate.why_not(statistics.row_group(group), group.num_rows)
            kept_rows = [predicate.mask(batch).true_count for batch in file.iter_batches(row_groups=[index])]
            assert why_not is None or not any(kept_rows), why_not


@pytest.mark.parametrize(
    ("text", "here", "words"),
    [
        ("", "", "is empty"),
        ("lower(a) = 'x'", "lower(a)", "compare the column itself"),
        ("b = 1 AND a = c", "c", "a column is compared with another one"),
        ('lang = "en"', '"en"', "write it in single quotes"),
        ("a = 'x", "a", "a quote is not closed"),
        ("a = 1 -- AND b = 2", "1 --", "holds a comment"),
        ("a = 1; DROP TABLE b", "; DROP", "holds a `;`"),
        ("a = 1) OR (b = 2", ") OR", "has no `"),
        ("a = 1\nAND b ~ 'x'", "~ 'x'", "not understood from here on"),
        ("case = 1", "1", "words of SQL go in double quotes"),
        ("a NOT IN (1, NULL)", "a NOT", "write IS NULL"),
        ("a = NULL", "a =", "write IS NULL"),
        ("a IN ()", "a IN", "the list after IN is empty"),
        ("a IN (1, 'x')", "a IN", "mixes kinds"),
        ("a IN (SELECT 1)", "a IN", "not understood"),
        ("a IS TRUE", "a IS", "write = TRUE"),
        ("a < TRUE", "a <", "have no order"),
        ("a IS DISTINCT FROM 1", "a IS", "write <> and IS NULL"),
        ("a BETWEEN SYMMETRIC 2 AND 1", "a BETWEEN", "not understood"),
        ("a LIKE ANY ('x', 'y')", "a LIKE", "write several with OR"),
        ("a LIKE 'x!' ESCAPE '!'", "'x!'", "ends with its escape character"),
        ("a = DATE '2026-02-30'", "'2026-02-30'", "no date or time"),
        ("a = DATE '2026-02-20 10:00'", "'2026-02", "write TIMESTAMP"),
        ("a = 1e9999", "1e9999", "no number"),
        ("a + 1 > 2", "a + 1", "a column is missing"),
        ("tags[1] = 'x'", "tags[1]", "name another one"),
        ("TRUE", "", "leave `where` out"),
        ("SELECT 1", "1", "queries are not understood"),
        ("(" * 51 + "a" + ")" * 51, "(a", "deeper than 50"),
        ("NOT " * 60 + "a", "NOT", "deeper than 50"),
        ("a" * 100_001, "", "longer than 100000"),
    ],
)
def test_what_is_no_predicate_is_refused_with_its_place_and_what_to_write(
    text: str, here: str, words: str
) -> None:
    with pytest.raises(WhereError, match=words) as raised:
        Predicate.parse(text)
    assert text[raised.value.position :].startswith(here)
    assert pickle.loads(pickle.dumps(raised.value)).position == raised.value.position  # noqa: S301 - our own bytes


def test_thousands_of_alternatives_are_read_and_asked() -> None:
    either = Predicate.parse(" OR ".join(f"n = {number}" for number in range(3000)))
    among = Predicate.parse(f"n IN ({', '.join(map(str, range(3000)))})")
    batch = pa.record_batch({"n": [-1, 0, 2999, 3000, None]})
    for predicate in (either, among):
        assert predicate.mask(batch).to_pylist() == [False, True, True, False, False]


def test_any_word_can_be_a_column() -> None:
    for name in [*Tokenizer.KEYWORDS, *Parser.FUNCTIONS, "naïve column", 'a"b', "a.b", "`", "it's"]:
        text = str(Comparison(Column(str(ColumnPath((Step(name),)))), "=", Value("number", "1")))
        assert Predicate.parse(text).mask(pa.record_batch({name: [1, 2]})).to_pylist() == [True, False], text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lagn = 'en'", "did you mean `lang`"),
        ("n = '1'", "holds int64; write a number, without quotes"),
        ("lang = 1", "holds text; write the value in quotes"),
        ("lang > DATE '2026-01-01'", "without DATE"),
        ("day > '2026'", "write a date or a time"),
        ("day > 20260101", "write a date or a time"),
        ("n", "holds int64; write a number"),
        ("flag = 1", "write TRUE or FALSE"),
        ("flag IN ('x')", "write TRUE or FALSE"),
        ("n LIKE '1%'", "LIKE is for texts"),
        ("at = 1", "can only be compared by IS NULL"),
        ("f < 1e400", "too large"),
        ("tags = 'x'", "write `tags"),
        (
            "uid = '4dc4cba3-4f3a-4f4c-8b5c-6f1f6a3f1c11'",
            r"holds fixed_size_binary\[16\]; write a text of as many",
        ),
        ("author IS NULL", "write `author.lang`"),
    ],
)
def test_what_does_not_fit_a_schema_is_refused_with_what_to_write(text: str, words: str) -> None:
    types: dict[str, pa.DataType] = {
        "lang": pa.string(), "n": pa.int64(), "flag": pa.bool_(), "day": pa.date32(), "f": pa.float32(),
        "at": pa.time64("us"), "tags": pa.list_(pa.string()), "uid": pa.uuid(),
        "author": pa.struct([("lang", pa.string())]),
    }  # fmt: skip
    schema = pa.schema(types)
    with pytest.raises(ColumnError, match=words):
        Predicate.parse(text).check(schema)


def test_a_misfit_is_the_predicates_and_a_lacking_column_the_files() -> None:
    schema = pa.schema({"lang": pa.string()})
    with pytest.raises(ColumnError) as caught:
        Predicate.parse("lang = 1").check(schema)
    assert (caught.value.path, str(caught.value)) == (
        "where",
        "`lang` holds text; write the value in quotes",
    )
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - our own bytes
    with pytest.raises(NoColumnError) as lacking:
        Predicate.parse("langs = 'en'").check(schema)
    assert lacking.value.path == "langs"


def test_parts_of_paths_are_read_as_what_they_are_compared_with() -> None:
    def may_match(text: str, **values: str | None) -> bool:
        return Predicate.parse(text).why_not(constants=values) is None

    assert may_match("month = 1", month="01")
    assert not may_match("month = '1'", month="01")
    assert may_match("day >= DATE '2026-01-31'", day="2026-01-31")
    assert not may_match("day > '2026-01-31'", day="2026-01-31")
    assert not may_match("day IS NOT NULL", day=None)
    assert not may_match("day <> 'x'", day=None)
    assert may_match("hidden", hidden="TRUE")
    assert not may_match("host LIKE 'eu-%'", host="us-1")
    assert may_match("day = 'x' OR other = 'y'", day="z")
    assert not may_match("NOT (day = 'x' OR other = 'y')", day="x")
    with pytest.raises(WhereError, match="is not a number") as raised:
        may_match("a = 'x' AND month = 1", month="jan")
    assert raised.value.position == 12


def test_constants_stand_beside_columns() -> None:
    batch = pa.record_batch({"n": [1, 2, None]})
    predicate = Predicate.parse("day = '2026-01-01' AND n > 1 OR day IS NULL")
    assert predicate.mask(batch, {"day": "2026-01-01"}).to_pylist() == [False, True, False]
    assert predicate.mask(batch, {"day": "2026-01-02"}).to_pylist() == [False] * 3
    assert predicate.mask(batch, {"day": None}).to_pylist() == [True] * 3
    predicate.check(batch.schema, ["day"])
    with pytest.raises(ColumnError, match="no such column"):
        predicate.check(batch.schema)


def test_bytes_that_are_no_text_are_compared_as_they_are() -> None:
    cells = pa.array([b"a\xff", b"a\xff\xff", b"b", None])
    for type_ in (pa.binary(), pa.large_binary(), pa.binary_view()):
        batch = pa.record_batch({"raw": cells.cast(type_)})
        assert Predicate.parse("raw > 'a' AND raw < 'b'").mask(batch).to_pylist() == [
            True,
            True,
            False,
            False,
        ]
        assert Predicate.parse("raw LIKE 'a_'").mask(batch).to_pylist() == [True, False, False, False]
        assert Predicate.parse("raw LIKE 'a\ufffd%'").mask(batch).to_pylist() == [True, True, False, False]


_PIECES = re.findall(
    r"\S+",
    "a b.c \"d\" 1 -2.5 1e3 'x' '' TRUE NULL AND OR NOT IN BETWEEN LIKE ILIKE IS ESCAPE DATE TIMESTAMP CAST AS INT "
    "( ) , = <> != < > <= >= == + - * / % || :: [ ] { } . ; -- /* */ ? $1 @v :p ` # \\ ~ ^ & | ! SELECT FROM WHERE "
    "CASE WHEN THEN END IF ANY ALL INTERVAL COLLATE DISTINCT SYMMETRIC x'41' N'x' E'\\n' b'1' 0x1F 1_0 é \x00 \ud800 "
    "LAMBDA -> ->> @> SIMILAR TO REGEXP GLOB ISNULL NOTNULL XOR DIV MOD OVERLAPS AT TIME ZONE EXISTS",
)


@settings(max_examples=500)
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map(" ".join) | st.text(max_size=12))
def test_any_other_text_is_a_predicate_or_is_refused(text: str) -> None:
    predicate, position = None, 0
    try:
        predicate = Predicate.parse(text)
    except WhereError as error:
        position = error.position
    assert 0 <= position <= len(text)
    assert predicate is None or Predicate.parse(predicate.text) == predicate


def test_the_parser_says_nothing_on_its_own(caplog: pytest.LogCaptureFixture) -> None:
    for text in ("if = 1", "SHOW x", "ALTER TABLE a", "a = 1 = 2", "describe a", "CALL f()"):
        with pytest.raises(WhereError):
            Predicate.parse(text)
    assert not caplog.records
