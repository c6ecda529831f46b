"""What `hindcast schedule render` prints: read as the program that it is for would read it."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.hunt_file.cron import Cron
from jobs.schedule import kubernetes
from jobs.schedule.deploy import Target, rendered
from jobs.schedule.files import Scheduled, read_schedules
from jobs.schedule.systemd import calendars
from scanner.errors import HuntError
from tests.support.crds import problems, schema_of
from tests.support.infra import INFRA, Manifest, build, nightly, of_kind

GOLDEN = Path(__file__).parents[3] / "golden/schedule"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOSTILE = 'we ird\'%s; $HOME `id` "q" #x\u00e9.yaml'
HUNT = """\
hunt: nightly.fraud_1
archive: {uri: s3://content-dumps/comments/}
signatures: [/signatures]
output: s3://hunts/results/
schedule: {cron: "*/30 3,15 1,15 * mon-fri", timezone: Europe/Berlin}
"""

Render = Callable[..., str]


def scheduled(folder: Path, text: str = HUNT, name: str = "hunt.yaml") -> Scheduled:
    (folder / name).write_text(text, encoding="utf-8")
    reading = read_schedules([str(folder / name)])
    assert not reading.problems
    return reading.scheduled[0]


def render(
    hunt: Scheduled, target: Target, program: str = "/opt/hind cast/bin/hindcast", image: str | None = None
) -> str:
    return rendered(hunt, target, program, image, NOW)


def refused(hunt: Scheduled, target: Target, program: str = "/bin/hindcast") -> str:
    with pytest.raises(HuntError) as caught:
        render(hunt, target, program)
    return str(caught.value)


@pytest.mark.parametrize("target", ["cron", "systemd"])
def test_lines_for_one_machine(tmp_path: Path, target: Target) -> None:
    text = render(scheduled(tmp_path, name=HOSTILE), target).replace(str(tmp_path), "/srv/hunts")
    assert text == (GOLDEN / f"{target}.txt").read_text("utf-8")


def test_a_shell_behind_cron_gets_the_very_words(tmp_path: Path) -> None:
    program = tmp_path / "hind %cast's"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$WORDS"\n')
    program.chmod(0o755)
    hunt = scheduled(tmp_path, name=HOSTILE)
    line = render(hunt, "cron", str(program)).splitlines()[-1]
    command = line.split(" ", 5)[5]
    # cron: an escaped percent sign is one, any other ends the command.
    assert not re.search(r"(?<!\\)%", command)
    words = tmp_path / "words"
    shell = ["/bin/sh", "-c", command.replace("\\%", "%")]
    subprocess.run(shell, env={"WORDS": str(words)}, check=True)
    assert words.read_text().splitlines() == ["hunt", hunt.file, "--only-new", "--quiet"]


def test_paths_that_a_target_cannot_say_are_refused(tmp_path: Path) -> None:
    for name in ("a\nb.yaml", "a\u202eb.yaml", "a\tb.yaml"):
        hunt = scheduled(tmp_path, name=name)
        assert "without line breaks" in refused(hunt, "cron")
        assert "without line breaks" in refused(hunt, "systemd")
    assert "has a backslash in its path" in refused(scheduled(tmp_path, name="a\\b.yaml"), "cron")
    assert "takes for a variable" in refused(scheduled(tmp_path), "systemd", "/opt/$x/hindcast")
    assert "write an absolute path" in refused(scheduled(tmp_path), "cron", "hindcast")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    text = render(scheduled(tmp_path, name=HOSTILE), "systemd", "/bin/echo")
    parts = re.split(r"(?m)^# ---- (.*)$", text)[1:]
    files = []
    for name, unit in zip(parts[::2], parts[1::2], strict=True):
        (tmp_path / name).write_text(unit)
        files.append(str(tmp_path / name))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "hindcast-" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize(
    "text", ["0 3 * * *", "*/20 1-5 * 2,7 *", "30 4 1,15 * mon-fri", "0 0 31 * *", "5 6 * * 7"]
)
def test_systemd_counts_the_same_times(text: str) -> None:
    cron = Cron.parse(text)
    theirs: set[datetime] = set()
    for expression in calendars(cron):
        done = subprocess.run(
            [
                "systemd-analyze",
                "calendar",
                "--iterations=12",
                f"--base-time={NOW:%Y-%m-%d %H:%M:%S} UTC",
                f"{expression} UTC",
            ],
            env={"TZ": "UTC", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.findall(r"\w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", done.stdout)
        theirs |= {datetime.strptime(each, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) for each in found}
    ours, after = [], NOW
    for _ in range(12):
        after = cron.next_after(after, UTC)
        ours.append(after)
    assert sorted(theirs)[:12] == ours


@pytest.fixture
def infra() -> list[Manifest]:
    """What infra/kubernetes deploys by itself."""
    return build(INFRA / "kubernetes/overlays/aws")


def nightly_fraud(folder: Path, cron: str = "0 3 * * *") -> Scheduled:
    text = (INFRA / "kubernetes/overlays/aws/nightly-fraud.yaml").read_text("utf-8")
    return scheduled(folder, f'{text}schedule: {{cron: "{cron}", timezone: Etc/UTC}}\n')


def objects(text: str) -> dict[str, Any]:
    found = {f"{each['kind']} {each['metadata']['name']}": each for each in yaml.safe_load_all(text)}
    assert all(each["metadata"]["namespace"] == kubernetes.NAMESPACE for each in found.values())
    return found


def test_the_templates_are_those_of_infra() -> None:
    for name, original in (("rayjob.yaml", "rayjob.yaml"), ("cronjob.yaml", "nightly.yaml")):
        ours = (kubernetes.MANIFESTS / name).read_text("utf-8")
        theirs = (INFRA / "kubernetes/base" / original).read_text("utf-8")
        assert ours == theirs, f"copy infra/kubernetes/base/{original} to jobs/schedule/manifests/{name}"


def test_a_hunt_of_infra_becomes_what_infra_deploys(tmp_path: Path, infra: list[Manifest]) -> None:
    hunt = nightly_fraud(tmp_path)
    made = objects(render(hunt, "kubernetes"))
    assert made["ConfigMap nightly-fraud-hunt"]["data"] == {"nightly-fraud.yaml": Path(hunt.file).read_text()}
    job = yaml.safe_load(made["ConfigMap nightly-fraud-rayjob"]["data"]["rayjob.yaml"])
    assert problems(job, schema_of("RayJob")) == []
    as_infra = yaml.safe_dump(job).replace("instance: nightly-fraud", "instance: nightly")
    as_infra = as_infra.replace("name: nightly-fraud-hunt", "name: hindcast-hunts")
    assert yaml.safe_load(as_infra) == nightly(infra)
    (cron_job,) = of_kind(infra, "CronJob")
    volume = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["volumes"][0]
    assert volume["configMap"] == {"name": "hindcast-nightly"}
    volume["configMap"] = {"name": "nightly-fraud-rayjob"}
    assert made["CronJob nightly-fraud"] == cron_job


def test_kuberay_takes_its_own_schedule(tmp_path: Path) -> None:
    made = objects(render(nightly_fraud(tmp_path, "0 3 * * 7"), "rayjob", image="registry.example/other:1"))
    job = made["RayCronJob nightly-fraud"]
    assert problems(job, schema_of("RayCronJob")) == []
    assert (job["spec"]["schedule"], job["spec"]["timeZone"]) == ("0 3 * * 0", "Etc/UTC")
    assert job["spec"]["jobTemplate"]["activeDeadlineSeconds"] == 7 * 24 * 3600 * 11 // 12
    text = yaml.safe_dump(job)
    assert (text.count("image: registry.example/other:1"), text.count("image: ")) == (3, 3)


@pytest.mark.parametrize(
    ("hunt", "name"),
    [
        ("a", "a"),
        ("fraud.v2", "fraud-v2-"),
        ("fraud_v2", "fraud-v2-"),
        ("x" * 64, "x" * 31 + "-"),
        ("a.-_", "a-"),
    ],
)
def test_names_are_such_as_kubernetes_takes_and_no_two_hunts_share_one(
    tmp_path: Path, hunt: str, name: str
) -> None:
    given = nightly_fraud(tmp_path)
    given = replace(given, spec=replace(given.spec, hunt=hunt))
    (found,) = (each for each in objects(render(given, "rayjob")).values() if each["kind"] == "RayCronJob")
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", found["metadata"]["name"])
    assert len(found["metadata"]["name"]) <= 40
    assert re.fullmatch(f"{name}(?:[0-9a-f]{{8}})?", found["metadata"]["name"])
    other = replace(given, spec=replace(given.spec, hunt=hunt.replace(".", "_", 1) + "_"))
    assert objects(render(other, "rayjob")).keys() != objects(render(given, "rayjob")).keys()


def test_what_pods_would_not_find_is_refused_at_once(tmp_path: Path) -> None:
    text = (
        "hunt: small\narchive: {uri: dumps, manifest: /m.txt}\nsignatures: [s.yaml]\noutput: out\n"
        "alerts: {file: told.jsonl}\nschedule: {cron: '*/10 * * * *'}\n"
    )
    told = refused(scheduled(tmp_path, text), "kubernetes").splitlines()
    keys = [line.removeprefix(f"{tmp_path}/hunt.yaml:").split(": ")[1] for line in told]
    assert keys == ["archive.uri", "output", "archive.manifest", "signatures", "alerts.file", "schedule.cron"]
    assert "write `signatures: [/signatures]`" in told[3]


def test_a_hunt_file_of_any_content_arrives_as_it_is(tmp_path: Path) -> None:
    texts = ("# \u00fc \U0001f600 {{ $(x) }} | %s\n", "# trailing space \n\n\n", "#\r\n# crlf\r\n")
    for text in texts:
        hunt = scheduled(tmp_path, text + HUNT.replace("*/30 3,15", "0 3"))
        for target in ("kubernetes", "rayjob"):
            (config,) = (
                each for name, each in objects(render(hunt, target)).items() if name.endswith("-hunt")
            )
            assert config["data"] == {"nightly.fraud_1.yaml": Path(hunt.file).read_bytes().decode()}
