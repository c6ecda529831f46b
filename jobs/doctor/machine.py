"""What is installed here, and whether the engine can be trusted."""

import importlib.util
import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from jobs.cluster.submit import RAY_VERSIONS, fits
from jobs.doctor.check import Check
from jobs.hunt_file.spec import HuntSpec
from scanner.archive.formats.tables import PACKAGES
from scanner.engine.hyperscan import build
from scanner.engine.qualification.verdict import Verdict, remedy

PYTHON = ((3, 11), (3, 13))
"""The first version of Python that hindcast runs on, and the first one that it does not: those of the package."""

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def check_machine(verdict: Verdict, spec: HuntSpec | None) -> Iterator[Check]:
    """Looks at Python, the packages and the engine.

    Args:
        verdict: On the engine.
        spec: The hunt that is going to run; None for any.
    """
    yield _python()
    yield _packages()
    yield _ray()
    if spec is not None and spec.format in PACKAGES:
        yield _tables(PACKAGES[spec.format])
    yield _engine(verdict)


def _python() -> Check:
    first, too_new = PYTHON
    if first <= sys.version_info[:2] < too_new:
        return Check("python", "ok", platform.python_version())
    return Check("python", "failed", platform.python_version(), "use Python 3.11 or 3.12")


def _packages() -> Check:
    """Only whether they are there: an environment of other versions than those asked for is its maker's choice."""
    missing = [name for name in _needed() if not _is_installed(name)]
    if missing:
        return Check(
            "packages", "failed", f"not installed: {', '.join(missing)}", "run `pip install hindcast`"
        )
    return Check("packages", "ok", f"hindcast {version('hindcast')} and all that it needs")


def _needed() -> Iterator[str]:
    for each in requires("hindcast") or ():
        if (name := _NAME.match(each)) and ";" not in each:
            yield name[0]


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _ray() -> Check:
    if not _is_installed("ray"):
        seen = "not installed: hunts run in one process here, and on clusters by `hindcast submit`"
        return Check("ray", "skipped", seen, "run `pip install 'hindcast[cluster]'` to use every core")
    found = version("ray")
    if fits(found):
        return Check("ray", "ok", found)
    wanted = ".".join(map(str, RAY_VERSIONS[0]))
    return Check("ray", "failed", found, f"run `pip install 'hindcast[cluster]'`, which brings Ray {wanted}")


def _tables(package: str) -> Check:
    if importlib.util.find_spec(package) is None:
        return Check(
            "tables", "failed", f"{package} is not installed", "run `pip install 'hindcast[tables]'`"
        )
    return Check("tables", "ok", f"{package} {version(package)}")


def _engine(verdict: Verdict) -> Check:
    if verdict.passed:
        return Check("engine", "ok", f"{verdict.engine} misses none of {verdict.ends} ends of matches")
    return Check(
        "engine", "failed", f"{verdict.engine} misses {verdict.missed} ends of matches", remedy(build())
    )
