"""`hindcast doctor`."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import click

from jobs.cli import render
from jobs.cli.main import WRONG_INPUT
from jobs.cluster.contexts import find_cluster
from jobs.cluster.head import Head
from jobs.cluster.http import Http
from jobs.cluster.submit import Checked, check
from jobs.doctor.check import Check, told
from jobs.doctor.head import check_cluster
from jobs.doctor.machine import check_machine
from jobs.doctor.stores import check_stores
from jobs.hunt_file.spec import HuntSpec, load_hunt
from scanner.engine import cpu, hyperscan
from scanner.engine.qualification.verdict import Verdict, qualified, refusal, remedy
from scanner.engine.versions import engine_versions
from scanner.errors import InputError
from scanner.signatures.load import read_signatures

_VECTORS = ("avx", "bmi", "popcnt", "sse4", "ssse3", "asimd", "neon", "sve")
"""Features by which engines choose their code; `--json` tells the others too."""

_NO_HUNT = "no hunt is named; name its file to have its stores looked at"
_NO_CLUSTER = "no cluster is named; add `--address URL` or `--context NAME` to have one looked at"


@click.command("doctor")
@click.argument("file", type=click.Path(), required=False)
@click.option("--address", metavar="URL", help="Of the dashboard of a cluster's head: https://head:8265.")
@click.option("--context", metavar="NAME", help="A cluster of ~/.config/hindcast/contexts.yaml.")
@click.option("--fresh", is_flag=True, help="Examine the engine anew, whatever an earlier examination found.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(file: str | None, address: str | None, context: str | None, fresh: bool, as_json: bool) -> int:
    """Say what is installed, reachable and allowed, and what to do about what is not.

    The engine is examined once for each build and CPU: it has to find every match of a battery of patterns,
    those of known defects among them. One that misses a match is used by no command.

    With the FILE of a hunt: as whom its stores are asked, whether its archive can be listed and read, and whether
    results can be written: an empty file is written to the output, and removed. With a cluster: whether its head
    answers, and the same findings from there, where hunts run with the cluster's rights.
    Exit codes: 0 all is well, 2 something has to be mended.

    \b
    Example:
      hindcast doctor hunts/nightly-fraud.yaml --address https://head:8265
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    verdict = qualified(fresh=fresh)
    if not as_json:
        _print_machine(verdict)
    checks = []
    for check_ in _checks(verdict, file, address, context):
        checks.append(check_)
        if not as_json:
            _print(check_)
    passed = not any(each.outcome == "failed" for each in checks)
    if as_json:
        render.print_json(
            {**_as_dict(verdict), "checks": [each.as_dict() for each in checks], "passed": passed}
        )
    return 0 if passed else WRONG_INPUT


def _checks(verdict: Verdict, file: str | None, address: str | None, context: str | None) -> Iterator[Check]:
    spec: HuntSpec | None = None
    hunt = Check("hunt", "skipped", _NO_HUNT)
    if file is not None:
        try:
            spec = load_hunt(file)
            hunt = Check("hunt", "ok", f"{spec.hunt} can be read", subject=file)
        except InputError as error:
            hunt = Check("hunt", "failed", told(error), "correct the file", file)
    yield from check_machine(verdict, spec)
    yield hunt
    if spec is not None:
        yield _signatures(spec)
        yield from check_stores(spec)
    yield from _cluster(spec, address, context)


def _signatures(spec: HuntSpec) -> Check:
    reading = read_signatures(spec.signatures)
    problems = [str(problem) for problem in reading.problems if not problem.warning]
    subject = ", ".join(spec.signatures)
    if problems:
        seen = f"{render.plural(len(problems), 'problem')}, the first: {problems[0]}"
        return Check("signatures", "failed", seen, "run `hindcast signatures check`", subject)
    return Check(
        "signatures", "ok", f"{render.plural(len(reading.signatures), 'signature')} can be read", "", subject
    )


def _cluster(spec: HuntSpec | None, address: str | None, context: str | None) -> Iterator[Check]:
    if address is None and context is None:
        yield Check("cluster.reach", "skipped", _NO_CLUSTER)
        return
    now = datetime.now(UTC)
    checked: Checked | None = None
    try:
        cluster = find_cluster(address, context, os.environ)
        if spec is not None:
            checked = check(spec.file, now.date())
    except InputError as error:
        yield Check("cluster.reach", "failed", told(error), "", address or context or "")
        return
    package = checked.package if checked else None
    tag = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    yield from check_cluster(Head(Http(cluster)), package, tag)


def _as_dict(verdict: Verdict) -> dict[str, object]:
    build = hyperscan.build()
    return {
        "versions": engine_versions(),
        "engine": asdict(build),
        "cpu": asdict(cpu.this()),
        "qualification": asdict(verdict),
        "remedy": None if verdict.passed else remedy(build),
    }


def _print(found: Check) -> None:
    out = render.console()
    machine = "on the cluster: " if found.machine == "cluster" else ""
    subject = f"{found.subject}: " if found.subject else ""
    out.print(
        f"{found.outcome:<8} {found.name:<19} {machine}{render.safe(subject + found.seen)}", soft_wrap=True
    )
    if found.remedy and found.outcome != "ok":
        out.print(f"{'':<28} {render.safe(found.remedy)}", soft_wrap=True)


def _print_machine(verdict: Verdict) -> None:
    build, here = hyperscan.build(), cpu.this()
    out = render.console()
    for name, version in engine_versions().items():
        out.print(f"{name:<11}{render.safe(version)}", soft_wrap=True)
    out.print(f"{'cpu':<11}{render.safe(here.name)}", soft_wrap=True)
    vectors = [feature for feature in here.features if feature.startswith(_VECTORS)]
    out.print(f"{'features':<11}{render.safe(' '.join(vectors) or 'not told')}", soft_wrap=True)
    out.print(f"{'build':<11}{render.safe(build.digest[:16])}")
    tried = (
        f"{render.plural(verdict.cases, 'known defect')}, {render.plural(verdict.random_patterns, 'random pattern')} "
        f"and {render.plural(verdict.random_literals, 'literal')} with {render.plural(verdict.ends, 'end')}"
    )
    if verdict.passed:
        out.print(
            f"{'engine':<11}good: none of {tried} was missed (verdict {verdict.digest[:16]})", soft_wrap=True
        )
        return
    out.print(f"{'engine':<11}refused, after {tried} (verdict {verdict.digest[:16]})", soft_wrap=True)
    for line in refusal(verdict).splitlines():
        out.print(render.safe(line), soft_wrap=True)
