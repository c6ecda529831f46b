from collections.abc import Sequence

from scanner.signatures.condition import Ref
from scanner.signatures.model import Examples, LiteralPattern, Signature
from scanner.signatures.selftest import ExampleFailure, Judge, selftest


def _signature(literal: str, examples: Examples) -> Signature:
    return Signature(
        literal, (LiteralPattern("p", (literal,)),), Ref("p"), "0", examples=examples, file="s.yaml", line=7
    )


FREE = Examples(match=("free coins", "for nothing"), no_match=("freedom", "paid"), lines=(10, 11, 13, 14))
SIGNATURES = [
    _signature("free", FREE),
    _signature("untested", Examples()),
    _signature("coins", Examples(match=("free coins",))),
]


def _judge(ids: Sequence[str], calls: list[int]) -> Judge:
    def judge(texts: Sequence[str]) -> list[frozenset[str]]:
        calls.append(len(texts))
        return [frozenset(each for each in ids if each in text) for text in texts]

    return judge


def test_every_example_goes_before_every_judge_in_one_call() -> None:
    calls: list[int] = []

    failures = selftest(SIGNATURES, {"engine": _judge(["free", "coins"], calls), "blind": _judge([], calls)})

    assert calls == [5, 5]
    assert failures == (
        ExampleFailure("free", "blind", "match", 0, "s.yaml", 10),
        ExampleFailure("free", "engine", "match", 1, "s.yaml", 11),
        ExampleFailure("free", "blind", "match", 1, "s.yaml", 11),
        ExampleFailure("free", "engine", "no_match", 0, "s.yaml", 13),
        ExampleFailure("coins", "blind", "match", 0, "s.yaml", 7),
    )


def test_without_examples_no_judge_is_called() -> None:
    calls: list[int] = []

    assert selftest([SIGNATURES[1]], {"engine": _judge([], calls)}) == ()
    assert calls == []
