"""The keys `schedule` and `alerts` of a hunt file."""

from pathlib import Path

import pytest

from jobs.hunt_file.alert_keys import AddressError, Webhook, checked_url
from jobs.hunt_file.spec import HuntSpec, load_hunt
from scanner.errors import HuntError

HUNT = """\
hunt: small
archive: {uri: a.parquet}
signatures: [s.yaml]
output: out
"""


def load(folder: Path, keys: str) -> HuntSpec:
    (folder / "hunt.yaml").write_text(HUNT + keys, encoding="utf-8")
    return load_hunt(folder / "hunt.yaml")


def problems(folder: Path, keys: str) -> list[str]:
    with pytest.raises(HuntError) as caught:
        load(folder, keys)
    return [str(problem).removeprefix(f"{folder}/hunt.yaml:") for problem in caught.value.problems]


def test_both_are_read_and_the_record_of_a_run_holds_no_path_of_an_address(tmp_path: Path) -> None:
    spec = load(
        tmp_path,
        "schedule: {cron: '0 3 * * sun', timezone: Europe/Berlin}\n"
        "alerts:\n  webhook: {url: 'https://hooks.example.org/in/T1', secret_env: HOOK}\n  file: told/alerts.jsonl\n",
    )
    assert spec.schedule is not None
    assert (spec.schedule.cron.weekdays, spec.schedule.zone.key) == ((0,), "Europe/Berlin")
    assert spec.alerts.webhook == Webhook("https://hooks.example.org/in/T1", None, "HOOK")
    assert spec.alerts.file == f"{tmp_path}/told/alerts.jsonl"
    assert spec.as_dict()["schedule"] == {"cron": "0 3 * * sun", "timezone": "Europe/Berlin"}
    assert spec.as_dict()["alerts"] == {
        "webhook": {"url": "https://hooks.example.org", "secret_env": "HOOK"},
        "file": f"{tmp_path}/told/alerts.jsonl",
    }


def test_neither_is_needed(tmp_path: Path) -> None:
    spec = load(tmp_path, "schedule: {cron: '@daily'}\nalerts: {webhook: {url_env: HOOK_URL}}\n")
    assert spec.schedule is not None
    assert spec.schedule.timezone == "UTC"
    assert spec.alerts.webhook == Webhook(None, "HOOK_URL", None)
    plain = load(tmp_path, "")
    assert (plain.schedule, bool(plain.alerts)) == (None, False)
    assert not {"schedule", "alerts"} & plain.as_dict().keys()


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("schedule: nightly", '5: schedule: must be a map; write `cron: "0 3 * * *"` below it'),
        ("schedule:\n  timezone: UTC", "5: schedule.cron: is missing"),
        ("schedule:\n  cron: [x]", "6: schedule.cron: is missing, or no text"),
        ("schedule:\n  cron: '0 3 * *'", "and has 4; write"),
        ("schedule:\n  cron: '@daily'\n  timezone: CEST", "7: schedule.timezone: is no name of a time zone"),
        ("schedule: {cron: '@daily', every: day}", "5: schedule.every: there is no such key"),
        ("alerts: yes", "5: alerts: must be a map"),
        ("alerts: {mail: a}", "5: alerts.mail: there is no such key; the keys here are `webhook`, `file`"),
        ("alerts: {file: s3://b/k}", "5: alerts.file: must be a path on this machine"),
        ("alerts: {webhook: https://h}", "5: alerts.webhook: must be a map"),
        ("alerts:\n  webhook:\n    secret_env: A", "6: alerts.webhook: needs an address"),
        ("alerts: {webhook: {url: 'https://h', url_env: U}}", "5: alerts.webhook: needs an address"),
        ("alerts: {webhook: {url: 'https://h/?sig=1'}}", "5: alerts.webhook.url: holds a query"),
        ("alerts: {webhook: {url: 'https://h', secret: x}}", "secrets never stand in a hunt; the keys here"),
        (
            "alerts: {webhook: {url: 'https://h', secret_env: 'p w'}}",
            "must be the name of an environment variable",
        ),
    ],
)
def test_each_mistake_has_its_line_and_its_remedy(tmp_path: Path, keys: str, problem: str) -> None:
    found = problems(tmp_path, keys + "\n")
    assert [each for each in found if problem in each], found


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "ftp://h/x",
        "http://hooks.example.org/x",
        "http://localhost.example.org/",
        "https:///x",
        "https://h:99999/",
        "https://h:0/",
        "https://user:word@h/",
        "https://h/#part",
        "https://h/a b",
        "https://h/\r\nX: y",
        "https://h/ü",
    ],
)
def test_addresses_that_alerts_never_go_to(url: str) -> None:
    with pytest.raises(AddressError):
        checked_url(url)


@pytest.mark.parametrize(
    "url", ["https://h", "http://127.0.0.1:8080/x", "http://[::1]/", "https://h/x?sig=1"]
)
def test_addresses_that_they_may_go_to(url: str) -> None:
    assert checked_url(url) == url
