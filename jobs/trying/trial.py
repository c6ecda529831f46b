"""Tries signatures on their own examples, by the engine that hunts and by the oracle that judges it."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matcher
from scanner.engine.oracle import OracleMatcher
from scanner.engine.program import compile_ruleset
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.model import Ruleset, Signature
from scanner.signatures.selftest import Example, ExampleFailure, all_examples, selftest


@dataclass(frozen=True, slots=True)
class Failure:
    """One example that went wrong.

    Attributes:
        example: The example.
        judges: Who found so: ``engine``, ``oracle`` or both.
        outcome: What happened, without the text.
    """

    example: Example
    judges: tuple[str, ...]
    outcome: str


@dataclass(frozen=True, slots=True)
class Trial:
    """How some signatures fared.

    Attributes:
        signatures: How many were tried.
        examples: How many examples they have together.
        untested: Ids of those without any example.
        failures: In the order of the examples.
    """

    signatures: int
    examples: int
    untested: tuple[str, ...]
    failures: tuple[Failure, ...]


def try_signatures(signatures: Sequence[Signature]) -> Trial:
    """Runs every example of some signatures, wherever they may look in a hunt.

    Raises:
        SignatureError: Some patterns do not compile.
    """
    # An example is a text of no column.
    anywhere = tuple(dataclasses.replace(signature, columns=None) for signature in signatures)
    ruleset = Ruleset(anywhere, ruleset_digest(anywhere))
    judges = {
        "engine": _MatcherJudge(HyperscanMatcher(compile_ruleset(ruleset))),
        "oracle": _MatcherJudge(OracleMatcher(ruleset)),
    }
    examples = all_examples(signatures)
    outcomes: dict[_Key, dict[str, list[str]]] = {}
    for failed in selftest(signatures, judges):
        outcome = "is not hit" if failed.kind == "match" else "is hit"
        outcomes.setdefault(_key(failed), {}).setdefault(outcome, []).append(failed.judge)
    for name, judge in judges.items():
        for place, example in enumerate(examples):
            reason = judge.undecided.get((place, example.signature_id))
            if reason is not None:
                outcome = f"could not be decided: {reason}"
                outcomes.setdefault(_key(example), {}).setdefault(outcome, []).append(name)
    failures = tuple(
        Failure(example, tuple(names), outcome)
        for example in examples
        for outcome, names in outcomes.get(_key(example), {}).items()
    )
    untested = tuple(signature.id for signature in signatures if not all_examples([signature]))
    return Trial(len(signatures), len(examples), untested, failures)


_Key = tuple[str, str, int]


def _key(example: Example | ExampleFailure) -> _Key:
    return example.signature_id, example.kind, example.index


class _MatcherJudge:
    """A matcher as `scanner.signatures.selftest` asks it, which remembers what it could not decide."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self.undecided: dict[tuple[int, str], str] = {}
        """Place of the text, id of the signature → reason."""

    def __call__(self, texts: Sequence[str]) -> list[frozenset[str]]:
        ids = [signature.id for signature in self._matcher.ruleset.signatures]
        matches = self._matcher.match(pa.array(texts, pa.large_string()), "example")
        for error in matches.errors:
            self.undecided[error.cell, ids[error.signature]] = error.reason
        hits: list[set[str]] = [set() for _ in texts]
        for cell, signature in zip(matches.cells.tolist(), matches.signatures.tolist(), strict=True):
            hits[cell].add(ids[signature])
        return list(map(frozenset, hits))
