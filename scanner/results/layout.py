"""Where each part of a run lies under an output."""

import re
from typing import Final

from scanner.errors import HuntError, Problem

HUNT: Final = "hunt="
RUN: Final = "run="
UNLABELLED: Final = "part-0.parquet"
"""The file of coverage of runs whose ``run.json`` names none."""

_HUNT_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,63}")
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SPLIT_ID: Final = re.compile(r"[0-9a-f]{32}")
_SET_ID: Final = _SPLIT_ID
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_ALERT: Final = re.compile(r"[a-z_]{1,32}\.[a-z_]{1,32}")
_HITS_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.parquet")


def hunt_uri(output: str, hunt: str) -> str:
    """Folder of a hunt: ``<output>/hunt=<name>``.

    Raises:
        HuntError: The name could lead out of the output.
    """
    _check(_HUNT_NAME, hunt, "hunt", "start with a-z and use only a-z, 0-9, dot, dash and underscore")
    return f"{output.rstrip('/')}/{HUNT}{hunt}"


def run_uri(output: str, hunt: str, run_id: str) -> str:
    """Folder of a run: ``<output>/hunt=<name>/run=<run_id>``.

    Raises:
        HuntError: A name could lead out of the output.
    """
    remedy = "use letters, digits, dot, dash and underscore, a letter or digit first; or leave it out for a new one"
    _check(_RUN_ID, run_id, "run", remedy)
    return f"{hunt_uri(output, hunt)}/{RUN}{run_id}"


def begun_uri(run_uri: str) -> str:
    """The record that says what a run is, written at its start: ``begun.json``."""
    return f"{run_uri}/begun.json"


def commits_uri(run_uri: str) -> str:
    """Folder of the commit records."""
    return f"{run_uri}/commits"


def commit_uri(run_uri: str, split_id: str) -> str:
    """The commit record of one split.

    Raises:
        HuntError: The id is not one that `scanner.archive.plan` makes.
    """
    return f"{commits_uri(run_uri)}/{_split(split_id)}"


def divided_folder_uri(run_uri: str) -> str:
    """Folder of the marks of splits that were cut in two."""
    return f"{run_uri}/divided"


def overdue_uri(run_uri: str, split_id: str) -> str:
    """The mark of a split that took too long.

    Raises:
        HuntError: The id is not one that `scanner.archive.plan` makes.
    """
    return f"{run_uri}/overdue/{_split(split_id)}"


def signature_set_uri(run_uri: str, set_id: str) -> str:
    """One of the sets of signatures that ran on splits.

    Raises:
        HuntError: The id is not one that `scanner.results.signature_sets` makes.
    """
    _check(_SET_ID, set_id, "set of signatures", "an id has 32 hexadecimal digits")
    return f"{run_uri}/signature_sets/{set_id}.json"


def split_hits_folder_uri(run_uri: str) -> str:
    """Folder of the hits of single splits, which the commit records name until the run is finished."""
    return f"{run_uri}/split_hits"


def split_hits_uri(run_uri: str, name: str) -> str:
    """One file of a split's hits.

    Raises:
        HuntError: The name could lead out of the folder, or does not end in ``.parquet``.
    """
    return f"{split_hits_folder_uri(run_uri)}/{_hits_file(name)}"


def hits_folder_uri(run_uri: str) -> str:
    """Folder of the hits of a finished run."""
    return f"{run_uri}/hits"


def hits_uri(run_uri: str, name: str) -> str:
    """One file of a finished run's hits.

    Raises:
        HuntError: The name could lead out of the folder, or does not end in ``.parquet``.
    """
    return f"{hits_folder_uri(run_uri)}/{_hits_file(name)}"


def coverage_folder_uri(run_uri: str) -> str:
    """Folder of the coverage of a finished run."""
    return f"{run_uri}/coverage"


def coverage_uri(run_uri: str, name: str = UNLABELLED) -> str:
    """The coverage of a finished run.

    Raises:
        HuntError: The name could lead out of the folder, or does not end in ``.parquet``.
    """
    return f"{coverage_folder_uri(run_uri)}/{_hits_file(name)}"


def signatures_folder_uri(run_uri: str) -> str:
    """Folder of the signatures of a finished run, as whoever has finished it wrote them."""
    return f"{run_uri}/signatures"


def signatures_part_uri(run_uri: str, name: str) -> str:
    """One file of that folder.

    Raises:
        HuntError: The name could lead out of the folder, or does not end in ``.parquet``.
    """
    return f"{signatures_folder_uri(run_uri)}/{_hits_file(name)}"


def signatures_uri(run_uri: str) -> str:
    """The signatures of a finished run: a copy of the file that ``run.json`` names."""
    return f"{run_uri}/signatures.parquet"


def progress_uri(run_uri: str) -> str:
    """How far a run has come: ``progress.json``."""
    return f"{run_uri}/progress.json"


def alert_uri(run_uri: str, kind: str, way: str) -> str:
    """The mark of an alert that was sent.

    Raises:
        HuntError: A name could lead out of the folder.
    """
    _check(_ALERT, f"{kind}.{way}", "alert", "use only a-z and underscore")
    return f"{run_uri}/alerts/{kind}.{way}.json"


def checked_uri(hunt_uri: str) -> str:
    """The mark of the last time that a hunt owed nothing, so that there was no run: ``checked.json``."""
    return f"{hunt_uri}/checked.json"


def first_uri(hunt_uri: str, digest: str) -> str:
    """The mark of whoever was first to start a run of what is new, by what was to be done.

    Raises:
        HuntError: The digest has other than 64 hexadecimal digits.
    """
    _check(_DIGEST, digest, "digest", "it has 64 hexadecimal digits")
    return f"{hunt_uri}/first/{digest}.json"


def record_uri(run_uri: str) -> str:
    """The record that makes a run complete: ``run.json``."""
    return f"{run_uri}/run.json"


def names_of(run_uri: str) -> tuple[str, str] | None:
    """Hunt and run id of a run's folder; None where the folder is not one."""
    match run_uri.rstrip("/").split("/")[-2:]:
        case [hunt, run] if hunt.startswith(HUNT) and run.startswith(RUN):
            return hunt.removeprefix(HUNT), run.removeprefix(RUN)
        case _:
            return None


def _split(split_id: str) -> str:
    _check(_SPLIT_ID, split_id, "split", "an id has 32 hexadecimal digits")
    return split_id


def _hits_file(name: str) -> str:
    _check(_HITS_FILE, name, "file of hits", "name a *.parquet file")
    return name


def _check(allowed: re.Pattern[str], name: str, what: str, remedy: str) -> None:
    if allowed.fullmatch(name) is None:
        raise HuntError((Problem(f"{what} {name!a}", 0, "", f"this is no name of a {what}; {remedy}"),))
