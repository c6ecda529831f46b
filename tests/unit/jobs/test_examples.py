from datetime import date
from pathlib import Path

from jobs.hunt_file.spec import load_hunt
from scanner.signatures.condition import And, Condition, Not, Or
from scanner.signatures.lint import lint
from scanner.signatures.load import read_signatures
from scanner.signatures.model import LiteralPattern, RegexPattern, Signature

EXAMPLES = Path(__file__).parents[3] / "jobs" / "examples"
FEWEST_SIGNATURES = 25


def _pack() -> tuple[Signature, ...]:
    reading = read_signatures([EXAMPLES / "signatures"])
    assert reading.problems == ()
    return reading.signatures


def test_the_pack_reads_without_problems_or_warnings() -> None:
    pack = _pack()
    assert len(pack) >= FEWEST_SIGNATURES
    assert lint(pack, date(2026, 11, 22)) == ()


def test_every_signature_has_examples_of_both_kinds_and_honest_metadata() -> None:
    for signature in _pack():
        assert signature.examples.match, signature.id
        assert signature.examples.no_match, signature.id
        assert signature.name, signature.id
        assert signature.description, signature.id
        assert signature.id.startswith(signature.category.split("-")[0]), signature.id
        assert signature.status in {"experimental", "test"}, "nobody has run the pack in production"
        # A demo must find the same next year.
        assert signature.expires is None, signature.id


def test_the_pack_shows_every_feature_of_a_signature() -> None:
    pack = _pack()
    patterns = [pattern for signature in pack for pattern in signature.patterns]
    regexes = [pattern for pattern in patterns if isinstance(pattern, RegexPattern)]
    literals = [pattern for pattern in patterns if isinstance(pattern, LiteralPattern)]
    assert {flag for pattern in regexes for flag in pattern.flags} >= set("imux")
    assert any(len(pattern.literals) > 1 for pattern in literals)
    assert {pattern.whole_word for pattern in literals} == {True, False}
    assert any(signature.allow for signature in pack)
    assert any(signature.columns for signature in pack)
    kinds = {kind for signature in pack for kind in _kinds(signature.condition)}
    assert {kind.__name__ for kind in kinds} == {"Ref", "Not", "And", "Or", "AtLeast"}


def test_the_demo_hunts_the_pack_in_every_text_column() -> None:
    spec = load_hunt(EXAMPLES / "hunts" / "demo.yaml")
    root = EXAMPLES.parents[1]
    assert [Path(uri).resolve() for uri in spec.uris] == [root / "demo" / "archive"]
    assert Path(spec.output).resolve() == root / "demo" / "results"
    assert [Path(path).resolve() for path in spec.signatures] == [EXAMPLES / "signatures"]
    assert spec.text_columns == ("text", "caption", "author.bio", "replies[].text")


def _kinds(condition: Condition) -> set[type[Condition]]:
    below: tuple[Condition, ...] = ()
    if isinstance(condition, And | Or):
        below = condition.items
    elif isinstance(condition, Not):
        below = (condition.item,)
    return {type(condition)}.union(*map(_kinds, below))
