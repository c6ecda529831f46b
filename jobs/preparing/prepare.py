"""Everything a hunt needs is read and checked here, before anything starts; nothing is written."""

import contextlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

from jobs.hunt_file.spec import HuntSpec, load_hunt
from scanner.archive import storage
from scanner.archive.parquet.footer_cache import FooterCache, footer_cache
from scanner.archive.plan import Plan, PlanProgress, make_plan
from scanner.engine.owed import OwedPart
from scanner.engine.program import Program, check_flawed, compile_ruleset
from scanner.errors import HuntError, InputError, Problem, SignatureError
from scanner.results.schemas import hits_schema
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.load import read_signatures
from scanner.signatures.model import Ruleset, Signature

INLINE_BYTES = 256_000_000
"""Compressed bytes of text from which on it pays to start Ray."""

_ARCHIVE_KEYS = tuple(
    f"archive.{key}"
    for key in ("uri", "manifest", "text_columns", "record_id", "actor_id", "event_time", "carry", "where")
)

ExecutorName = Literal["inline", "ray"]
ExecutorChoice = Literal["auto", "inline", "ray"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Signatures that are ready to run.

    Attributes:
        ruleset: Those that run.
        expired: Those that no longer run.
        program: The ruleset, compiled.
    """

    ruleset: Ruleset
    expired: tuple[Signature, ...]
    program: Program


@dataclass(frozen=True, slots=True)
class Prepared:
    """A hunt that can start: its file, signatures and archive were read and nothing is wrong.

    Attributes:
        spec: The hunt file.
        plan: What is going to be read.
        footers: Footers of the files of the plan.
        signatures: What is going to be looked for.
        executor: Where the splits are going to run.
        warnings: What is odd, but does not stop the hunt.
        parts: Signatures that splits owe which do not owe all of them, by `Split.owed` from number 1 on.
        only_new: What was left out because earlier runs have covered it, in values that JSON has; None where nothing
            was asked to be.
    """

    spec: HuntSpec
    plan: Plan
    footers: FooterCache
    signatures: Loaded
    executor: ExecutorName
    warnings: tuple[Problem, ...]
    parts: tuple[OwedPart, ...] = ()
    only_new: Mapping[str, object] | None = None


def prepare(
    file: str | Path,
    today: date,
    executor: ExecutorChoice = "auto",
    on_progress: Callable[[PlanProgress], None] = lambda _: None,
) -> Prepared:
    """Reads and checks all that a hunt needs, and writes nothing.

    Args:
        file: The hunt file.
        today: Signatures that expire on this day or before it do not run.
        executor: Where to run; ``auto`` takes Ray for what is not small.
        on_progress: Called now and then while files are listed and their footers read.

    Raises:
        InputError: With everything that is wrong, in the hunt file, the signatures and the archive.
    """
    spec = load_hunt(file)
    storage.configure(spec.storage)
    problems: list[Problem] = []
    loaded: Loaded | None = None
    plan: Plan | None = None
    footers = footer_cache()
    with Gathered(problems):
        loaded = load_for(spec.signatures, today)
    with Gathered(problems):
        plan = _planned(spec, footers, on_progress)
    chosen: ExecutorName = "inline"
    if plan is not None:
        problems += _output_problems(spec, plan)
        chosen = choose_executor(executor, plan, spec)
    if executor == "inline" and spec.limits.split_timeout_s is not None:
        message = (
            "only Ray can end a worker that takes too long; remove this, or leave `--executor inline` out"
        )
        problems.append(spec.problem("limits.split_timeout_s", message))
    if chosen == "ray" and importlib.util.find_spec("ray") is None:
        problems.append(Problem(spec.file, 0, "", _WITHOUT_RAY))
    if problems or plan is None or loaded is None:
        raise InputError(tuple(problems))
    warnings = (
        *idle_signatures(loaded.ruleset, plan.columns),
        *_pruned_away(spec, plan),
        *_lacking(spec, plan),
        *_passed_over(spec, plan),
    )
    return Prepared(spec, plan, footers, loaded, chosen, warnings)


def load_for(paths: Sequence[str], today: date, *, anywhere: bool = False) -> Loaded:
    """Reads and compiles the signatures that run on one day.

    Args:
        paths: Files and folders.
        today: Signatures that expire on this day or before it are left out.
        anywhere: True to let signatures look beyond the columns that they name.

    Raises:
        SignatureError: With everything that is wrong, or because no signature is left.
    """
    reading = read_signatures(paths)
    problems = [problem for problem in reading.problems if not problem.warning]
    problems += check_flawed(reading.flawed)
    expired = tuple(s for s in reading.signatures if s.expires is not None and s.expires <= today)
    active = tuple(s for s in reading.signatures if s not in expired)
    if not active and not problems:
        message = "every signature here has expired" if expired else "there is no signature here"
        problems.append(Problem(", ".join(paths), 0, "", f"{message}; name some that run"))
    if anywhere:
        active = tuple(replace(signature, columns=None) for signature in active)
    ruleset = Ruleset(active, ruleset_digest(active))
    try:
        program = compile_ruleset(ruleset)
    except SignatureError as error:
        raise SignatureError((*problems, *error.problems)) from error
    if problems:
        raise SignatureError(tuple(problems))
    return Loaded(ruleset, expired, program)


class Gathered:
    """Adds what a block finds wrong to a list and goes on, so that what comes after it is checked as well."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, InputError):
            self._problems += error.problems
        return isinstance(error, InputError)


def idle_signatures(ruleset: Ruleset, columns: Sequence[str]) -> Iterator[Problem]:
    """Warns of signatures that no column of an archive is meant for."""
    for signature in ruleset.signatures:
        if signature.columns is not None and not set(signature.columns) & set(columns):
            message = f"finds nothing here: none of its columns ({', '.join(signature.columns)}) is read"
            yield Problem(signature.file, signature.line, signature.id, message, warning=True)


WHY_UNREAD = "a folder stands for its files of one format whose names do not begin with `_` or `.`"
"""What is said of `scanner.archive.plan.Plan.passed_over`."""

_WITHOUT_RAY = "this hunt needs Ray; run `pip install 'hindcast[cluster]'`, or add `--executor inline`"


def check_output(spec: HuntSpec) -> None:
    """Proves that results can be written, by making the output folder and writing there.

    Raises:
        HuntError: They cannot.
    """
    with _told_of(spec, "output"):
        storage.make_writable(spec.output)


def _planned(spec: HuntSpec, footers: FooterCache, on_progress: Callable[[PlanProgress], None]) -> Plan:
    with _told_of(spec, *_ARCHIVE_KEYS):
        plan = make_plan(
            spec.uris,
            spec.text_columns,
            manifest=spec.manifest,
            record_id=spec.record_id,
            actor_id=spec.actor_id,
            event_time=spec.event_time,
            carry=spec.carry,
            where=spec.where,
            optional=spec.optional,
            format=spec.format,
            at=spec.at,
            footers=footers,
            on_progress=on_progress,
        )
    with _told_of(spec, "archive.carry"):
        hits_schema(plan.carry)
    if plan.splits and not plan.columns:
        message = "no file that is read has any of these columns; correct their names"
        raise HuntError((spec.problem("archive.text_columns", message),))
    return plan


def _output_problems(spec: HuntSpec, plan: Plan) -> Iterator[Problem]:
    around = [uri for uri in spec.uris if f"{spec.output}/".startswith(f"{uri.rstrip('/')}/")]
    results = f"{spec.output.rstrip('/')}/hunt="
    if around or plan.splits.files.has_below(results):
        message = "lies inside the archive, so that the next run would hunt the results of this one"
        yield spec.problem("output", f"{spec.output} {message}; write a folder outside of it")


def _lacking(spec: HuntSpec, plan: Plan) -> Iterator[Problem]:
    for column in spec.optional:
        if column not in plan.columns:
            message = f"no file that is read has a column `{column}`"
            yield replace(spec.problem("archive.optional", message), warning=True)


def _passed_over(spec: HuntSpec, plan: Plan) -> Iterator[Problem]:
    if plan.passed_over:
        message = f"leaves {plan.passed_over} unread: {WHY_UNREAD}; name data by a glob, or another `format`"
        yield replace(spec.problem("archive.uri", message), warning=True)


def _pruned_away(spec: HuntSpec, plan: Plan) -> Iterator[Problem]:
    if plan.pruned and not plan.splits:
        message = "leaves nothing to read; `hindcast plan` shows which part of it removes what"
        yield replace(spec.problem("archive.where", message), warning=True)


def choose_executor(executor: ExecutorChoice, plan: Plan, spec: HuntSpec) -> ExecutorName:
    """Where the splits of a plan run: as asked for, else on Ray what is not small or has to be ended in time."""
    if executor != "auto":
        return executor
    small = plan.text_bytes < INLINE_BYTES
    return "inline" if small and spec.limits.split_timeout_s is None else "ray"


@contextlib.contextmanager
def _told_of(spec: HuntSpec, *keys: str) -> Iterator[None]:
    """Gives problems that the archive's code found the line of the hunt file that led to them.

    Args:
        spec: The hunt file.
        keys: Where to look for what a problem names; the first one has the problems that name nothing known.
    """
    try:
        yield
    except HuntError as error:
        told = [
            _placed(spec, keys, problem, error.problems[:number].count(problem))
            for number, problem in enumerate(error.problems)
        ]
        raise HuntError(tuple(told)) from error


def _placed(spec: HuntSpec, keys: tuple[str, ...], problem: Problem, before: int) -> Problem:
    """The problem at the key that names its subject, or else its file; at the next such key where it came before."""
    values = _values(spec)
    by_name = (
        [key for key in keys if name and name in values[key]] for name in (problem.subject, problem.file)
    )
    naming = next(filter(None, by_name), keys[:1])
    key = naming[min(before, len(naming) - 1)]
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    words = [word for word in (place, problem.subject) if word and word != key.rpartition(".")[2]]
    return spec.problem(key, ": ".join([*words, problem.message]))


def _values(spec: HuntSpec) -> dict[str, tuple[str | None, ...]]:
    return {
        "archive.uri": spec.uris,
        "archive.manifest": (spec.manifest,),
        "archive.text_columns": () if spec.text_columns == "auto" else spec.text_columns,
        "archive.record_id": (spec.record_id,),
        "archive.actor_id": (spec.actor_id,),
        "archive.event_time": (spec.event_time,),
        "archive.carry": spec.carry,
        "archive.where": ("where", *(() if spec.where is None else spec.where.columns)),
        "output": (spec.output,),
    }
