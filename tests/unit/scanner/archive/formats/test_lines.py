import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.archive.formats.lines import blocks

LINES = st.lists(
    st.sampled_from([0, 1, 5, 30, 60, 300]).map(lambda size: b"x" * size), min_size=1, max_size=30
)


@given(LINES, st.booleans())
def test_every_line_is_given_under_its_number_or_left_out_alone(lines: list[bytes], ends: bool) -> None:
    """A line that outgrows what is read at once took good neighbours with it, and later numbers were wrong."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("BLOCK_BYTES", 40), ("MAX_LINE_BYTES", 80), ("_READ_BYTES", 16)):
            patch.setattr(f"scanner.archive.formats.lines.{name}", value)
        found = dict(blocks(io.BytesIO(b"\n".join(lines) + (b"\n" if ends else b""))))
    given = {
        first + number: line
        for first, block in found.items()
        for number, line in enumerate([None] if block is None else block.removesuffix(b"\n").split(b"\n"))
    }
    wanted = {number: None if len(line) > 100 else line for number, line in enumerate(lines, 1)}
    if not ends and not lines[-1]:
        del wanted[len(lines)]
    assert given == wanted
