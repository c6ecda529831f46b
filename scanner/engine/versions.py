"""Names every program that takes part in an answer."""

import platform
from importlib.metadata import PackageNotFoundError, version

from scanner.engine import hyperscan, pcre


def engine_versions() -> dict[str, str]:
    """Versions by name; programs that are not installed are left out."""
    found = {"python": platform.python_version(), "pcre2": pcre.version(), "hyperscan": hyperscan.version()}
    for name in ("hindcast", "pyarrow", "numpy", "ray"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
