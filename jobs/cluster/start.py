"""Runs first on the cluster: finds out whether hindcast is there and the right one, and becomes it.

It is sent along with each hunt and must therefore run on any Python 3 and without hindcast.
"""

import importlib.metadata
import os
import sys

WRONG_INPUT = 2
NEEDED = (3, 11)


def main(version: str, *words: str) -> int:
    """Checks this machine and becomes ``hindcast``; answers an exit code only where that cannot be.

    Args:
        version: The laptop's version of hindcast.
        words: What hindcast is told.
    """
    wrong = _wrong(version)
    if not wrong:
        # -P: what was sent along must not stand in for modules of Python or of hindcast.
        os.execv(sys.executable, [sys.executable, "-P", "-m", "jobs.cli.main", *words])  # noqa: S606 - our own words, no shell
    sys.stderr.write(f"hindcast: {wrong}\n")
    return WRONG_INPUT


def _wrong(version: str) -> "str | None":
    if sys.version_info[:2] < NEEDED:
        found = "{}.{}".format(*sys.version_info)
        return (
            f"the cluster has Python {found}, and hindcast needs 3.11 or 3.12; use an image with one of those"
        )
    try:
        here = importlib.metadata.version("hindcast")
    except importlib.metadata.PackageNotFoundError:
        return "the cluster's Python has no hindcast; use an image with `hindcast[cluster]` installed"
    if here.split(".")[:2] != version.split(".")[:2]:
        return (
            f"the cluster has hindcast {here} and submitted was by {version}; "
            f"install {here} where you submit, or use an image with {version}"
        )
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
