import itertools
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.signatures.condition import (
    MAX_DEPTH,
    And,
    AtLeast,
    Condition,
    ConditionError,
    Not,
    Or,
    Ref,
    evaluate,
    mentioned,
    parse,
    positive,
    possible,
    render,
)

NAMES = ("a", "b", "c", "url_1", "url_2")

refs = st.sampled_from(NAMES).map(Ref)


def _at_least(items: list[Ref]) -> st.SearchStrategy[AtLeast]:
    return st.integers(1, len(items)).map(lambda count: AtLeast(count, tuple(items)))


def _flat(kind: type[And | Or], items: list[Condition]) -> Condition:
    flat: list[Condition] = []
    for item in items:
        flat += item.items if isinstance(item, kind) else [item]
    return kind(tuple(flat))


conditions: st.SearchStrategy[Condition] = st.recursive(
    refs | st.lists(refs, min_size=1, max_size=4, unique=True).flatmap(_at_least),
    lambda inner: (
        inner.map(Not)
        | st.lists(inner, min_size=2, max_size=3).map(lambda items: _flat(And, items))
        | st.lists(inner, min_size=2, max_size=3).map(lambda items: _flat(Or, items))
    ),
    max_leaves=8,
)


def _by_python(condition: Condition) -> Callable[[dict[str, bool]], bool]:
    """Another reading of a condition: Python's own words, and a sum for `N of`."""

    def text(item: Condition) -> str:
        match item:
            case Ref(name):
                return f"truth[{name!r}]"
            case Not(inner):
                return f"(not {text(inner)})"
            case And(items):
                return f"({' and '.join(map(text, items))})"
            case Or(items):
                return f"({' or '.join(map(text, items))})"
            case AtLeast(count, items):
                return f"(sum([{', '.join(map(text, items))}]) >= {count})"

    code = compile(text(condition), "condition", "eval")
    return lambda truth: bool(eval(code, {"truth": truth}))  # noqa: S307 - text made above


def _worlds() -> list[dict[str, bool]]:
    return [
        dict(zip(NAMES, values, strict=True))
        for values in itertools.product((False, True), repeat=len(NAMES))
    ]


@given(conditions)
def test_a_rendered_condition_reads_back_as_itself(condition: Condition) -> None:
    assert parse(render(condition), NAMES) == condition


@given(conditions)
def test_evaluate_agrees_with_the_truth_table(condition: Condition) -> None:
    truth_of = _by_python(condition)

    assert all(evaluate(condition, world.__getitem__) == truth_of(world) for world in _worlds())


@given(conditions, st.sets(st.sampled_from(NAMES)))
def test_possible_is_never_false_where_the_condition_can_be_true(condition: Condition, may: set[str]) -> None:
    truth_of = _by_python(condition)
    reachable = any(truth_of(world) for world in _worlds() if {name for name in NAMES if world[name]} <= may)

    answer = possible(condition, may.__contains__)

    assert answer or not reachable
    if not positive(condition) & positive(Not(condition)):
        assert answer == reachable, "exact where no name occurs both ways"


@given(conditions)
def test_some_positive_name_matches_wherever_a_condition_is_true(condition: Condition) -> None:
    truth_of = _by_python(condition)
    nowhere = dict.fromkeys(NAMES, False)
    speaks = positive(condition)

    assert speaks <= mentioned(condition)
    assert truth_of(nowhere) or all(
        any(world[name] for name in speaks) for world in _worlds() if truth_of(world)
    )
    # A name that is not positive can only make the condition false.
    for world in _worlds():
        for name in set(NAMES) - speaks:
            assert truth_of(world) <= truth_of({**world, name: False})


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a AND Not(b)", "a and not b"),
        ("a and (b and c)", "a and b and c"),
        ("a or b and c", "a or (b and c)"),
        ("not a and b", "(not a) and b"),
        ("any of (a, b)", "1 of (a, b)"),
        ("all of (a, b, a)", "2 of (a, b)"),
        ("3 of them", "3 of (a, b, c, url_1, url_2)"),
        ("1 of (them)", "1 of (a, b, c, url_1, url_2)"),
        ("all of url_*", "2 of (url_1, url_2)"),
        ("2 of (url_*, a)", "2 of (url_1, url_2, a)"),
        ("any of a", "1 of (a)"),
        ("\n  a\n  or\tb", "a or b"),
    ],
)
def test_ways_to_write_the_same(text: str, same: str) -> None:
    assert parse(text, NAMES) == parse(same, NAMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the condition ends too early; write the name of a pattern there (at character 1)"),
        ("a b", "`b` cannot stand here; write `and` or `or` before it (at character 3)"),
        ("a)", "`)` cannot stand here; remove it (at character 2)"),
        ("a | b", "`|` has no meaning in a condition; write `or` (at character 3)"),
        ("a ; b", "`;` has no meaning in a condition (at character 3)"),
        ("a and", "the condition ends too early; write the name of a pattern there (at character 6)"),
        (
            "url_*",
            "`url_*` stands for several patterns; write `any of url_*` or `all of url_*` (at character 1)",
        ),
        (
            "1 of x*",
            "no pattern's name begins with `x`; there are `a`, `b`, `c`, `url_1`, `url_2` (at character 6)",
        ),
        ("url_3", "no pattern is named `url_3`; did you mean `url_2`? (at character 1)"),
        ("A", "no pattern is named `A`; did you mean `a`? (at character 1)"),
        ("all them", "`them` cannot stand here; write `all of (...)` or `all of them` (at character 5)"),
        ("0 of them", "`0 of` cannot be asked of 5 names; write a number from 1 to 5 (at character 1)"),
        ("2 of (a, a)", "`2 of` cannot be asked of one name; write 1 (at character 1)"),
        (
            "9" * 5000 + " of a",
            "`" + "9" * 5000 + " of` cannot be asked of one name; write 1 (at character 1)",
        ),
        (
            "1 of (a or b)",
            "`or` cannot stand here; write names between `(` and `)`, with commas (at character 9)",
        ),
        (
            "1 of (not a)",
            "`not` cannot stand here; write `them`, a name, or names in brackets there (at character 7)",
        ),
    ],
)
def test_mistakes_are_explained(text: str, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text, NAMES)

    assert str(caught.value) == message


@pytest.mark.parametrize("opener", ["(", "not "])
def test_depth_is_bounded(opener: str) -> None:
    closers = ")" * MAX_DEPTH * (opener == "(")
    assert parse(opener * MAX_DEPTH + "a" + closers, NAMES).__class__ in {Ref, Not}

    with pytest.raises(ConditionError, match="deep; write a flatter condition"):
        parse(opener * 100_000 + "a", NAMES)


def test_evaluate_asks_no_more_than_it_must() -> None:
    asked = []

    def ask(name: str) -> bool:
        asked.append(name)
        return name != "b"

    assert not evaluate(parse("a and b and c", NAMES), ask)
    assert evaluate(parse("1 of (url_1, url_2)", NAMES), ask)
    assert not evaluate(parse("2 of (b, url_1) and a", NAMES), ask)
    assert asked == ["a", "b", "url_1", "b"]


def test_the_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(ConditionError("what to write", 3)))  # noqa: S301 - made here

    assert (error.message, error.position) == ("what to write", 3)
