"""`hindcast doctor`."""

from dataclasses import asdict

import click

from jobs.cli import render
from jobs.cli.main import WRONG_INPUT
from scanner.engine import cpu, hyperscan
from scanner.engine.qualification.verdict import Verdict, qualified, refusal, remedy
from scanner.engine.versions import engine_versions

_VECTORS = ("avx", "bmi", "popcnt", "sse4", "ssse3", "asimd", "neon", "sve")
"""Features by which engines choose their code; `--json` tells the others too."""


@click.command("doctor")
@click.option("--fresh", is_flag=True, help="Examine the engine anew, whatever an earlier examination found.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(fresh: bool, as_json: bool) -> int:
    """Say what is installed, and whether the engine can be trusted here.

    The engine is examined once for each build and CPU: it has to find every match of a battery of patterns,
    those of known defects among them. One that misses a match is used by no command.
    Exit codes: 0 all is well, 2 the engine is refused.

    \b
    Example:
      hindcast doctor
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    verdict = qualified(fresh=fresh)
    if as_json:
        render.print_json(_as_dict(verdict))
    else:
        _print(verdict)
    return 0 if verdict.passed else WRONG_INPUT


def _as_dict(verdict: Verdict) -> dict[str, object]:
    build = hyperscan.build()
    return {
        "versions": engine_versions(),
        "engine": asdict(build),
        "cpu": asdict(cpu.this()),
        "qualification": asdict(verdict),
        "remedy": None if verdict.passed else remedy(build),
    }


def _print(verdict: Verdict) -> None:
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
