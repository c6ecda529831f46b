from datetime import date
from typing import Any

import pytest

from scanner.signatures.condition import Ref
from scanner.signatures.lint import lint
from scanner.signatures.model import Examples, LiteralPattern, Pattern, RegexPattern, Signature

TODAY = date(2026, 11, 1)
SHOWN = Examples(match=("x",), no_match=("y",))


def _signature(pattern: Pattern | None = None, **changes: Any) -> Signature:
    values: dict[str, Any] = {"id": "a", "digest": "1", "examples": SHOWN, "file": "s.yaml", "line": 3}
    return Signature(
        patterns=(pattern or RegexPattern("p", r"\bx\b"),), condition=Ref("p"), **{**values, **changes}
    )


def _said(*signatures: Signature) -> list[str]:
    return [problem.message for problem in lint(signatures, TODAY)]


@pytest.mark.parametrize(
    "signature",
    [
        _signature(),
        _signature(expires=date(2026, 11, 2)),
        _signature(RegexPattern("p", r"\błódź\b", "u")),
        _signature(RegexPattern("p", r"(*UCP)\błódź\b")),
        _signature(RegexPattern("p", r"\błódź\b", dialect="python")),
        _signature(RegexPattern("p", r"\błódź\b", dialect="rust")),
        _signature(RegexPattern("p", r"łódź \bx\b")),
        _signature(RegexPattern("p", r"\\błódź")),
        _signature(RegexPattern("p", r"\b💰\b")),
        _signature(LiteralPattern("p", ("free coins!", "¿por qué?", "100% (sure)", "a-b [x]", "c.d"))),
    ],
)
def test_a_careful_signature_is_left_in_peace(signature: Signature) -> None:
    assert _said(signature) == []


NO_BORDER = (
    r"pattern `p`: `\b` beside a letter beyond ASCII is no word border without flag `u`; add it to `flags`"
)
NO_BORDER_IN_RE2 = (
    r"pattern `p`: `\b` beside a letter beyond ASCII is no word border in RE2; write `(?:^|[^\pL])` before it, "
    r"`(?:[^\pL]|$)` behind it"
)
LIKE_A_REGEX = (
    "pattern `p`: the literal looks like a regex and is looked for as it stands; write `regex` if it is one"
)


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        (
            _signature(examples=Examples()),
            "there are no examples; write `examples: {match: [...], no_match: [...]}`, which `test` runs",
        ),
        (
            _signature(examples=Examples(no_match=("y",))),
            "no example shows what it hits; write one under `examples`, `match`",
        ),
        (
            _signature(examples=Examples(match=("x",))),
            "no example shows what it must not hit; write one under `examples`, `no_match`",
        ),
        (
            _signature(expires=TODAY),
            "it expired on 2026-11-01, so no hunt runs it; remove it, or write a later `expires`",
        ),
        (_signature(status="deprecated"), "it is deprecated and still runs; remove it, or write `expires`"),
        (_signature(RegexPattern("p", r"\błódź", dialect="re2")), NO_BORDER_IN_RE2),
        *(
            (_signature(RegexPattern("p", regex)), NO_BORDER)
            for regex in (r"\błódź", r"łódź\b", r"\b(?:été|x)", r"(x|é)\b", r"\b[éè]x", r"\\\bé")
        ),
        *(
            (_signature(LiteralPattern("p", (literal,))), LIKE_A_REGEX)
            for literal in (r"\bfree\b", "free.*coins", "(?:free)", "[a-z]+x", r"free\s+coins")
        ),
        (
            _signature(LiteralPattern("p", ("fine", " free"))),
            "pattern `p`: a literal begins or ends with a space, which must match as well; remove the space",
        ),
    ],
)
def test_what_is_unlikely_to_be_meant_is_said(signature: Signature, message: str) -> None:
    assert _said(signature) == [message]


def test_two_that_hit_the_same_are_named_once() -> None:
    twins = [_signature(id="a"), _signature(id="b", digest="2"), _signature(id="c", line=9)]

    problems = lint(twins, TODAY)

    assert [str(problem) for problem in problems] == [
        "s.yaml:9: warning: c: it hits exactly what `a` hits; remove one of them"
    ]
