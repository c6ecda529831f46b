"""Which rung of the ladder each regular expression stands on, kept on disk.

Finding that out may take seconds a pattern, so it is done once for each pattern and build of the engine. There may be
hundreds of thousands of verdicts, and a ruleset asks for thousands of them at once: they lie in a few hundred
files by the first digits of the pattern's digest.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache as once
from hashlib import sha256
from pathlib import Path
from typing import Final

from scanner import cache
from scanner.engine import hyperscan, pcre
from scanner.engine.compiling.children import Stop
from scanner.engine.hyperscan import Probe
from scanner.signatures.model import RegexPattern

_BUCKET_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What pass one looks for in place of a regular expression.

    Attributes:
        probe: None where it can look for nothing, so that the judge reads every cell.
        reason: Why the pattern is not looked for as it was loosened; empty where it is.
        stopped: What ended compiling on the first rung that was not left to its end.
    """

    probe: Probe | None
    reason: str = ""
    stopped: Stop | None = None


class Verdicts:
    """Verdicts by pattern; those of the disk are read as they are asked for.

    Args:
        conditions: What they depend on beside the pattern, this program and the engine.
    """

    def __init__(self, conditions: str) -> None:
        self._generation = cache.key("verdicts", conditions, _build())
        self._known: dict[str, Verdict] = {}
        self._read: set[str] = set()

    def get(self, pattern: RegexPattern) -> Verdict | None:
        """What is known of a pattern."""
        name = _name(pattern)
        bucket = name[:_BUCKET_DIGITS]
        if name not in self._known and bucket not in self._read:
            self._read.add(bucket)
            for found, verdict in self._stored(bucket).items():
                self._known.setdefault(found, verdict)
        return self._known.get(name)

    def add(self, verdicts: Mapping[RegexPattern, Verdict]) -> None:
        """Keeps verdicts; one that a child died of is for this process only, since the cause may be another."""
        changed: defaultdict[str, dict[str, Verdict]] = defaultdict(dict)
        for pattern, verdict in verdicts.items():
            name = _name(pattern)
            self._known[name] = verdict
            if verdict.stopped is not Stop.DEATH:
                changed[name[:_BUCKET_DIGITS]][name] = verdict
        for bucket, added in changed.items():
            # Others may have written since it was read. What two lose to each other is worked out again.
            self._store(bucket, self._stored(bucket) | added)

    def _entry(self, bucket: str) -> str:
        return f"{self._generation}-{bucket}"

    def _stored(self, bucket: str) -> dict[str, Verdict]:
        body = cache.load(self._entry(bucket))
        return {name: _revived(*values) for name, values in json.loads(body or b"{}").items()}

    def _store(self, bucket: str, verdicts: Mapping[str, Verdict]) -> None:
        values = {name: _plain(verdict) for name, verdict in verdicts.items()}
        cache.store(self._entry(bucket), json.dumps(values).encode())


def _name(pattern: RegexPattern) -> str:
    identity = f"{pattern.dialect} {pattern.flags} {pattern.regex}"
    return sha256(identity.encode(errors="surrogatepass")).hexdigest()[:32]


def _plain(verdict: Verdict) -> list[str | bool | None]:
    probe = verdict.probe
    expression = None if probe is None else probe.expression.decode()
    return [expression, probe is not None and probe.prefilter, verdict.reason, verdict.stopped]


def _revived(expression: str | None, prefilter: bool, reason: str, stopped: str | None) -> Verdict:  # noqa: FBT001
    probe = None if expression is None else Probe(expression.encode(), literal=False, prefilter=prefilter)
    return Verdict(probe, reason, None if stopped is None else Stop(stopped))


@once
def _build() -> str:
    """The engine and the code that patterns go through on their way to it; any change may change a verdict."""
    build, folder = hyperscan.build(), Path(__file__).parent
    files = _sources(folder, folder / "dialects")
    code = sha256(b"".join(sha256(file.read_bytes()).digest() for file in files)).hexdigest()
    return cache.key(build.package, build.info, build.digest, pcre.version(), code)


def _sources(*folders: Path) -> Iterable[Path]:
    return sorted(file for folder in folders for file in folder.glob("*.py"))
