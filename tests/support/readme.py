"""What a README says, for tests that hold it to the code."""

import re

from tests.support.cli import ROOT


def keys_in_table(readme: str, heading: str) -> list[str]:
    """The names in backticks in the first column of all tables under a heading, in their order.

    Args:
        readme: Path from the root of this working copy.
        heading: Of second level, as it stands there.
    """
    after = (ROOT / readme).read_text("utf-8").split(f"\n## {heading}\n")[1]
    firsts = re.findall(r"^\| ([^|]*) \|", after.split("\n## ")[0], re.MULTILINE)
    return [key for first in firsts for key in re.findall("`([^`]*)`", first)]
