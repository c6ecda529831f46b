"""From a hunt file to a run on a cluster: checked here, sent there, and never started twice."""

import hashlib
import importlib.metadata
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from jobs.cluster import head as notes
from jobs.cluster.head import Head, Submission
from jobs.cluster.http import ClusterError
from jobs.cluster.package import START, Package, pack
from jobs.cluster.unfinished import Work, goes_on, unfinished
from jobs.hunt_file.spec import HuntSpec, load_hunt
from jobs.preparing.resume import new_run_id
from scanner.archive import storage
from scanner.archive.formats import endings_of
from scanner.archive.formats.tables import TABLES
from scanner.errors import HindcastError, HuntError, Problem, SignatureError
from scanner.signatures import source
from scanner.signatures.load import read_signatures

RAY_VERSIONS = ((2, 60), (2, 61))
"""The first version of Ray that hunts run on, and the first one that they do not: those of the extra ``cluster``."""

LOOKS = 20
LOOK_TIMEOUT_S = 5.0
"""How patiently the archive is looked for from here, and how much of it."""

_MANIFEST = "archive.manifest"
_VERSION = re.compile(r"(\d+)\.(\d+)")
_DIGITS = 12
_TAG_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Checked:
    """A hunt that may be sent.

    Attributes:
        spec: The hunt.
        package: What is sent.
        signatures: How many of its signatures run.
        work: What is looked for, and where; an unfinished run of the same work is gone on with.
        warnings: What is odd, or could not be checked from here.
    """

    spec: HuntSpec
    package: Package
    signatures: int
    work: Work
    warnings: tuple[Problem, ...]

    @property
    def digest(self) -> str:
        """Of the files, and of how much of the archive they are to hunt, in hexadecimal digits."""
        digest = self.package.digest
        return hashlib.sha256(f"only new {digest}".encode()).hexdigest() if self.work.only_new else digest


@dataclass(frozen=True, slots=True)
class Submitted:
    """The run that there is now.

    Attributes:
        submission: How it stands.
        new: False where it was there before.
        resumed: True where it goes on with a run that did not end well.
    """

    submission: Submission
    new: bool
    resumed: bool = False


def check(file: str, today: date, *, only_new: bool = False) -> Checked:
    """Reads and checks all of a hunt that can be checked without its archive and without compiling.

    Args:
        file: The hunt file.
        today: Signatures that expire on this day or before it do not run.
        only_new: True to hunt only what no finished run has covered.

    Raises:
        InputError: With everything that is wrong.
    """
    spec = load_hunt(file)
    storage.configure(spec.storage)
    reading = read_signatures(spec.signatures)
    problems = [problem for problem in reading.problems if not problem.warning]
    active = [s for s in reading.signatures if s.expires is None or s.expires > today]
    if not active and not problems:
        message = "no signature runs: there is none, or each has expired; name some that run"
        problems.append(Problem(", ".join(spec.signatures), 0, "", message))
    problems += _of_this_machine(spec)
    if problems:
        raise SignatureError(tuple(problems))
    package = pack(file, reading.files, _sent_along(spec))
    work = Work.of(spec, active, only_new=only_new)
    return Checked(spec, package, len(active), work, tuple(_unseen(spec)))


def submit(head: Head, checked: Checked, now: datetime, *, again: bool = False) -> Submitted:
    """Starts a run of a hunt, unless one of the same goes on, or one of the same files has ended well.

    Where the latest run of the same hunt and signatures has failed or was stopped, that one is gone on with. A run
    of what is new starts after one that has ended well, too: there may be more by now.

    Args:
        head: Of the cluster.
        checked: The hunt.
        now: In UTC; names the run.
        again: True to start another run after one that has ended, however it did.

    Raises:
        ClusterError: The cluster cannot be reached, refuses, or runs another Ray.
    """
    _check_ray(head)
    digest, spec = checked.digest, checked.spec
    known = head.submissions()
    before = [each for each in known if each.notes.get(notes.DIGEST) == digest]
    latest = max(before, key=lambda each: _number(each.submission_id), default=None)
    under_way = goes_on(known, checked.work) or (latest if latest and not latest.ended else None)
    if under_way is not None:
        return Submitted(under_way, new=False)
    if latest is not None and _ended_well(latest) and not (again or checked.work.only_new):
        return Submitted(latest, new=False)
    number = _number(latest.submission_id) + 1 if latest else 1
    submission_id = f"hindcast-{spec.hunt}-{digest[:_DIGITS]}-{number}"
    if not head.has_package(checked.package.name):
        head.upload(checked.package.name, checked.package.data)
    begun = None if again else unfinished(known, checked.work)
    run_id = begun or new_run_id(now, digest[:_TAG_DIGITS])
    new = head.start(_request(checked, submission_id, run_id))
    # Somebody else may have been quicker; then this is theirs.
    submission = head.submission(submission_id)
    if submission is None:
        raise ClusterError(
            head.address, f"started {submission_id} and does not know it; look at `hindcast list`"
        )
    # Where the answer to a first try was lost, the second one finds our own.
    new = new or submission.run_id == run_id
    return Submitted(submission, new, new and begun is not None)


def _request(checked: Checked, submission_id: str, run_id: str) -> dict[str, object]:
    version = importlib.metadata.version("hindcast")
    hunt = ("hunt", checked.package.hunt_file, "--address", "auto", "--run-id", run_id)
    only_new = ("--only-new",) if checked.work.only_new else ()
    words = ("exec", "python", START, version, *hunt, *only_new)
    return {
        "submission_id": submission_id,
        "entrypoint": shlex.join(words),
        "runtime_env": {
            "working_dir": f"gcs://{checked.package.name}",
            "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(notes.STOP_WAIT_S)},
        },
        "metadata": {
            notes.RUN: run_id,
            notes.HUNT: checked.spec.hunt,
            notes.DIGEST: checked.digest,
            notes.WORK: checked.work.note,
            notes.VERSION: version,
            notes.OUTPUT: checked.spec.output,
        },
    }


def fits(version: str) -> bool:
    """True for a version of Ray that hunts run on."""
    found = _VERSION.match(version)
    first, too_new = RAY_VERSIONS
    return found is not None and first <= (int(found[1]), int(found[2])) < too_new


def _check_ray(head: Head) -> None:
    version = head.version()
    if not fits(version):
        wanted = ".".join(map(str, RAY_VERSIONS[0]))
        message = (
            f"runs Ray {version}, and this hindcast needs {wanted}; use a cluster or a hindcast that fit"
        )
        raise ClusterError(head.address, message)


def _number(submission_id: str) -> int:
    last = submission_id.rpartition("-")[2]
    return int(last) if last.isdecimal() else 0


def _ended_well(submission: Submission) -> bool:
    return submission.exit_code in {notes.COMPLETE, notes.WITH_GAPS}


def _of_this_machine(spec: HuntSpec) -> Iterator[Problem]:
    """Paths that mean something here and nothing on a cluster."""
    for key, path in _written(spec.file):
        if key == "signatures":
            if Path(path).is_absolute():
                message = f"`{path}` cannot be sent to a cluster; write it relative to the hunt file"
                yield spec.problem(key, message)
        elif _is_relative(path) and key != _MANIFEST:
            message = (
                f"`{path}` is a path of this machine; "
                "write a URI, or an absolute path that every machine of the cluster has"
            )
            yield spec.problem(key, message)


def _written(file: str) -> Iterator[tuple[str, str]]:
    """Every path of a hunt file as written, and its key."""
    top = source.read_document(Path(file).read_bytes().decode("utf-8-sig")).value
    archive = top.get("archive") if isinstance(top, dict) else None
    alerts = top.get("alerts") if isinstance(top, dict) else None
    for key, within in (
        ("archive.uri", archive),
        (_MANIFEST, archive),
        ("signatures", top),
        ("output", top),
        ("alerts.file", alerts),
    ):
        value = within.get(key.rpartition(".")[2], []) if isinstance(within, dict) else []
        for path in value if isinstance(value, list) else [value]:
            if isinstance(path, str):
                yield key, path


def _is_relative(path: str) -> bool:
    return "://" not in path and not Path(path).is_absolute()


def _sent_along(spec: HuntSpec) -> list[str]:
    """Files that the hunt names beside its signatures."""
    folder = Path(spec.file).parent
    return [
        str(folder / path) for key, path in _written(spec.file) if key == _MANIFEST and _is_relative(path)
    ]


def _unseen(spec: HuntSpec) -> Iterator[Problem]:
    """The first part of the archive that cannot be seen from here. The cluster may see it all the same."""
    storage.configure(replace(spec.storage, attempts=1, timeout_s=LOOK_TIMEOUT_S))
    for uri in spec.uris[:LOOKS]:
        try:
            next(
                iter(storage.list_files(uri, endings_of(None if spec.format in TABLES else spec.format))),
                None,
            )
        except HindcastError as error:
            reason = error.problems[0].message if isinstance(error, HuntError) else str(error)
            message = f"{uri} is not seen from here ({reason}); the cluster looks for it before it starts"
            yield replace(spec.problem("archive.uri", message), warning=True)
            return
