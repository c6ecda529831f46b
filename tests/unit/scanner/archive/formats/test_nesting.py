import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.archive.formats.nesting import MAX_DEPTH, depth, without_deep_lines

TEXTS = st.text(st.sampled_from('[]{}"\\ \u00e9a,:'), max_size=12)
VALUES = st.recursive(
    TEXTS | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


def depth_of(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)


@given(VALUES, st.booleans())
def test_depth_is_that_of_the_value_whatever_its_strings_hold(value: Any, ascii_only: bool) -> None:
    assert depth(json.dumps(value, ensure_ascii=ascii_only).encode()) == depth_of(value)


def nested(levels: int) -> bytes:
    return b'{"text":"]]]]","a":%s%s}' % (b"[" * (levels - 1), b"]" * (levels - 1))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b" \n", b"\n\n"])
def test_only_lines_beyond_the_limit_are_left_out(end: bytes) -> None:
    block = end.join([b"{}", nested(MAX_DEPTH), nested(MAX_DEPTH + 1), b'{"text":"[{[{"}', b""])
    rest, deep, parsable = without_deep_lines(block)
    assert parsable
    assert [block.split(b"\n")[number].strip() for number in deep] == [nested(MAX_DEPTH + 1)]
    assert [line.strip() for line in rest.split(b"\n") if line.strip()] == [
        b"{}", nested(MAX_DEPTH), b'{"text":"[{[{"}',
    ]  # fmt: skip
    assert rest.count(b"\n") == block.count(b"\n")


def test_lines_that_are_deep_only_together_are_told() -> None:
    for line in (b'{"a":[', b"["):
        block = (line + b"\n") * (MAX_DEPTH + 1)
        assert without_deep_lines(block) == (block, [], False)
    wide = b'{"a":[%s]}\n' % b",".join([b"{}"] * (2 * MAX_DEPTH))
    assert without_deep_lines(wide) == (wide, [], True)
