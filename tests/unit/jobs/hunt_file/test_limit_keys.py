from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.hunt_file.spec import HuntSpec, load_hunt
from jobs.preparing.prepare import ExecutorChoice, prepare
from scanner.errors import HuntError, InputError
from scanner.results.limits import Limits


def load(folder: Path, limits: str) -> HuntSpec:
    file = folder / "hunt.yaml"
    file.write_text(f"hunt: a\narchive: {{uri: a}}\nsignatures: s.yaml\noutput: out\n{limits}\n")
    return load_hunt(file)


@pytest.mark.parametrize(
    ("limits", "read"),
    [
        ("", Limits()),
        ("limits: {}", Limits()),
        ("limits: {split_timeout_s: 900}", Limits(900.0)),
        ("limits: {split_timeout_s: 1.5}", Limits(1.5)),
        ("limits: {stored_hits_per_signature: 100, stored_hits_per_split: 7}", Limits(None, 100, 7)),
    ],
)
def test_limits_are_read_and_written_back(limits: str, read: Limits, tmp_path: Path) -> None:
    spec = load(tmp_path, limits)
    assert spec.limits == read
    written = spec.as_dict().get("limits", {})
    assert isinstance(written, dict)
    assert Limits(**written) == read
    assert None not in written.values()


@pytest.mark.parametrize(
    ("limits", "wrong"),
    [
        ("limits: 900", "limits: must be a map; write `stored_hits_per_signature: 100000` below it"),
        ("limits: {split_timeout_s: 0}", "limits.split_timeout_s: must be a number of seconds from 1 to"),
        ("limits: {split_timeout_s: nan}", "limits.split_timeout_s: must be a number of seconds"),
        ("limits: {split_timeout_s: [9]}", "limits.split_timeout_s: must be a number of seconds"),
        (
            "limits: {split_timeout: 9}",
            "limits.split_timeout: there is no such key; the keys here are `split_timeout_s`,",
        ),
        ("limits: {stored_hits_per_split: 0}", "limits.stored_hits_per_split: must be a whole number from 1"),
        ("limits: {stored_hits_per_signature: 1.5}", "limits.stored_hits_per_signature: must be a whole"),
    ],
)
def test_bad_limits_are_refused_with_their_place(limits: str, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(HuntError) as caught:
        load(tmp_path, limits)
    assert wrong in str(caught.value)


def test_a_timeout_takes_an_executor_that_can_end_a_worker(here: Path) -> None:
    pq.write_table(pa.table({"text": ["one"]}), here / "a")
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")

    def chosen(limits: str, executor: ExecutorChoice) -> str:
        load(here, limits)
        return prepare("hunt.yaml", date(2026, 5, 1), executor).executor

    assert chosen("", "auto") == "inline"
    assert chosen("limits: {split_timeout_s: 9}", "auto") == "ray"
    with pytest.raises(InputError, match=r"limits.split_timeout_s: only Ray can end a worker"):
        chosen("limits: {split_timeout_s: 9}", "inline")
