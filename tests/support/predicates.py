"""Random tables and random predicates over them, in the SQL that both this program and DuckDB read."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

WORDS = ["", "a", "ab", "abc", "b", "a%", "a_b", "é", "É", "a\nb", "z" * 70, "\U0001f600", "it's", "\\"]
_DAY = dt.date(2026, 1, 1)
_HOUR = dt.datetime.fromisoformat("2026-01-01")

TYPES: dict[str, pa.DataType] = {
    "i8": pa.int8(),
    "i64": pa.int64(),
    "u64": pa.uint64(),
    "f64": pa.float64(),
    "f32": pa.float32(),
    "dec": pa.decimal128(7, 2),
    "s": pa.string(),
    "dict": pa.dictionary(pa.int8(), pa.string()),
    "flag": pa.bool_(),
    "d": pa.date32(),
    "ts": pa.timestamp("us"),
    "tz": pa.timestamp("ms", "UTC"),
    "st": pa.struct([("lang", pa.string()), ("n", pa.int32())]),
}

_FLOATS = st.sampled_from([0.0, -0.0, 0.5, 0.1, -2.0, 3.0, float("nan"), float("inf"), float("-inf")])
_DAYS = st.integers(-2, 5).map(lambda n: _DAY + dt.timedelta(n))
_TIMES = st.integers(-50, 50).map(lambda n: _HOUR + dt.timedelta(hours=n))
_CELLS: dict[str, st.SearchStrategy[Any]] = {
    "i8": st.sampled_from([-128, -1, 0, 1, 2, 3, 127]),
    "i64": st.sampled_from([-(2**63), -1, 0, 1, 2, 2**53 + 1, 2**63 - 1]),
    "u64": st.sampled_from([0, 1, 2, 2**63, 2**64 - 1]),
    "f64": _FLOATS,
    "f32": _FLOATS,
    "dec": st.sampled_from(
        [Decimal(text) for text in ("-99999.99", "-0.01", "0", "0.10", "1.50", "99999.99")]
    ),
    "s": st.sampled_from(WORDS),
    "dict": st.sampled_from(WORDS),
    "flag": st.booleans(),
    "d": _DAYS,
    "ts": _TIMES,
    "tz": _TIMES,
    "st": st.fixed_dictionaries(
        {"lang": st.none() | st.sampled_from(WORDS), "n": st.none() | st.integers(-1, 2)}
    ),
}


@st.composite
def tables(draw: st.DrawFn, rows: int = 12) -> pa.Table:
    """A table of every column, some of them all null."""
    length = draw(st.integers(0, rows))
    columns = {
        name: draw(st.lists(st.none() | cells, min_size=length, max_size=length))
        for name, cells in _CELLS.items()
    }
    return pa.table({name: pa.array(columns[name], type_) for name, type_ in TYPES.items()})


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_NUMBERS = st.sampled_from(
    ["0", "1", "2", "-1", "127", "128", "-129", "0.1", "0.5", "1.50", "1.499", "-0.005", "100000"]
)
_TEXTS = st.sampled_from(WORDS).map(quoted)
_DATES = _DAYS.map(lambda day: f"DATE '{day}'")
_STAMPS = _TIMES.map(lambda time: f"TIMESTAMP '{time}'")
_VALUES: dict[str, list[st.SearchStrategy[str]]] = {
    **{name: [_NUMBERS] for name in ("i8", "i64", "u64", "f64", "f32", "dec", "st.n")},
    **{name: [_TEXTS] for name in ("s", "dict", "st.lang")},
    "flag": [st.sampled_from(["TRUE", "FALSE"])],
    "d": [_DATES, _STAMPS, _DAYS.map(lambda day: quoted(str(day)))],
    "ts": [_DATES, _STAMPS, _TIMES.map(lambda time: quoted(str(time)))],
    "tz": [_TIMES.map(lambda time: f"'{time}+00:00'")],
}
_PATTERNS = st.lists(
    st.sampled_from(["a", "b", "%", "_", "é", "É", "!%", "!_", "!!", "\n", "\\", "z"]), max_size=5
)


@st.composite
def terms(draw: st.DrawFn) -> str:
    """One term, in all its spellings."""
    column = draw(st.sampled_from(sorted(_VALUES)))
    values = draw(st.sampled_from(_VALUES[column]))
    operators = ["=", "<>", "!="] if column == "flag" else ["=", "<>", "!=", "<", "<=", ">", ">="]
    value, negation = draw(values), draw(st.sampled_from(["", "NOT "]))
    forms = [
        f"{column} {draw(st.sampled_from(operators))} {value}",
        f"{value} {draw(st.sampled_from(operators))} {column}",
        f"{column} {negation}IN ({', '.join(draw(st.lists(values, min_size=1, max_size=4)))})",
        f"{column} IS {negation}NULL",
    ]
    if column == "flag":
        forms.append(column)
    else:
        forms.append(f"{column} {negation}BETWEEN {value} AND {draw(values)}")
    if column in {"s", "dict", "st.lang"}:
        pattern = quoted("".join(draw(_PATTERNS)))
        forms.append(f"{column} {negation}{draw(st.sampled_from(['LIKE', 'ILIKE']))} {pattern} ESCAPE '!'")
    return draw(st.sampled_from(forms))


def predicates() -> st.SearchStrategy[str]:
    """Predicates in SQL."""
    return st.recursive(
        terms(),
        lambda inner: (
            inner.map(lambda text: f"NOT ({text})")
            | st.lists(inner, min_size=2, max_size=3).map(lambda items: " AND ".join(f"({i})" for i in items))
            | st.lists(inner, min_size=2, max_size=3).map(lambda items: " OR ".join(f"({i})" for i in items))
        ),
        max_leaves=5,
    )
