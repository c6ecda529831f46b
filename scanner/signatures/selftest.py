"""Signatures carry their own tests: the texts that they must hit, and those that they must not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scanner.signatures.model import Signature

Judge = Callable[[Sequence[str]], Sequence[frozenset[str]]]
"""Answers for each text the ids of the signatures that hit it."""

Kind = Literal["match", "no_match"]


@dataclass(frozen=True, slots=True)
class Example:
    """One text of a signature's examples.

    Attributes:
        signature_id: The signature it belongs to.
        kind: Whether the signature must hit it.
        index: Which of its kind, from 0.
        text: The text itself.
        file: File of the signature.
        line: Line of the example, or of the signature where that is not known.
    """

    signature_id: str
    kind: Kind
    index: int
    text: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class ExampleFailure:
    """One example that a judge decided otherwise than its author.

    Attributes:
        signature_id: The signature.
        judge: Name of the judge.
        kind: ``match`` where the signature should have hit, ``no_match`` where it should not.
        index: Which example of its kind, from 0.
        file: File of the signature.
        line: Line of the example, or of the signature where that is not known.
    """

    signature_id: str
    judge: str
    kind: Kind
    index: int
    file: str
    line: int


def all_examples(signatures: Sequence[Signature]) -> tuple[Example, ...]:
    """Every example of some signatures, in their order, those to hit first."""
    return tuple(example for signature in signatures for example in _examples(signature))


def selftest(signatures: Sequence[Signature], judges: Mapping[str, Judge]) -> tuple[ExampleFailure, ...]:
    """Puts every example before every judge, in one call a judge.

    Args:
        signatures: The signatures, with their examples.
        judges: Name of a judge → the judge, which must know these signatures. It is given the texts of
            `all_examples`, in that order.

    Returns:
        What failed, in the order of the examples.
    """
    examples = all_examples(signatures)
    texts = [example.text for example in examples]
    verdicts = {name: judge(texts) for name, judge in judges.items()} if texts else {}
    return tuple(
        ExampleFailure(example.signature_id, judge, example.kind, example.index, example.file, example.line)
        for place, example in enumerate(examples)
        for judge, hits in verdicts.items()
        if (example.signature_id in hits[place]) != (example.kind == "match")
    )


def _examples(signature: Signature) -> list[Example]:
    examples = signature.examples
    numbered: list[tuple[Kind, int, str]] = [
        *(("match", index, text) for index, text in enumerate(examples.match)),
        *(("no_match", index, text) for index, text in enumerate(examples.no_match)),
    ]
    lines = examples.lines or (signature.line,) * len(numbered)
    return [
        Example(signature.id, kind, index, text, signature.file, line)
        for (kind, index, text), line in zip(numbered, lines, strict=True)
    ]
