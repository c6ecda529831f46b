from pathlib import Path

import pytest

from jobs.hunt_file.spec import load_hunt
from scanner.archive.storage import GcsSettings, S3Settings, StorageSettings
from scanner.errors import HuntError

HUNT = """\
hunt: small
archive:
  uri: [s3://dumps/comments/, 'gcs://dumps/2026-*/', "s3a://dumps/a b#c?.parquet"]
  manifest: files.txt
signatures: [s.yaml]
output: gs://hunts/out/
storage:
  attempts: 3
  timeout_s: 12.5
  s3: {endpoint: 'https://minio.example.org:9000', region: eu-west-1, path_style: true, requester_pays: true}
  gcs: {anonymous: true, requester_pays: my-project}
"""


def test_names_of_stores_have_one_form_and_the_environment_fills_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "YES")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "localhost:9023")
    (tmp_path / "hunt.yaml").write_text(HUNT)
    spec = load_hunt(tmp_path / "hunt.yaml")
    assert spec.uris == ("s3://dumps/comments", "gs://dumps/2026-*", "s3://dumps/a b#c?.parquet")
    assert (spec.manifest, spec.output) == (f"{tmp_path}/files.txt", "gs://hunts/out")
    assert spec.storage == StorageSettings(
        s3=S3Settings(
            "https://minio.example.org:9000", "eu-west-1", True, anonymous=True, requester_pays=True
        ),
        gcs=GcsSettings("http://localhost:9023", anonymous=True, requester_pays="my-project"),
        attempts=3,
        timeout_s=12.5,
    )
    assert spec.as_dict()["storage"] == {
        "s3": {
            "endpoint": "https://minio.example.org:9000",
            "region": "eu-west-1",
            "path_style": True,
            "requester_pays": True,
        },
        "gcs": {"requester_pays": "my-project"},
        "attempts": 3,
        "timeout_s": 12.5,
    }


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("region:", "access_key_id: AKIASECRET, region:", "10: storage.s3.access_key_id: secrets never stand"),
        ("region:", "secret: hush, region:", "in a hunt; set AWS_PROFILE, or AWS_ACCESS_KEY_ID"),
        ("anonymous:", "token: hush, anonymous:", "11: storage.gcs.token: secrets never stand in a hunt; set GOOGLE"),
        ("attempts: 3", "password: hush", "8: storage.password: secrets never stand in a hunt"),
        ("https://minio", "https://me:hush@minio", "10: storage.s3.endpoint: must name host and port alone"),
        ("https://minio", "minio", "10: storage.s3.endpoint: must be a URL such as"),
        ("path_style: true", "path_style: yes", "10: storage.s3.path_style: must be `true` or `false`"),
        ("region:", "regoin:", "10: storage.s3.regoin: there is no such key; the keys here are `endpoint`, `region`"),
        ("attempts: 3", "attempts: 0", "8: storage.attempts: must be a whole number from 1 to 20"),
        ("12.5", "forever", "9: storage.timeout_s: must be a number of seconds from 1 to 3600"),
        ("  gcs: {", "  azure: {", "11: storage.azure: there is no such key; the keys here are `s3`, `gcs`, `att"),
        ("s3://dumps/comments/", "s3://AKIA:hush@dumps/comments/", "3: archive.uri: `s3://dumps/…`: holds a secret"),
        ("comments/", "comments/?X-Amz-Signature=hush", "3: archive.uri: `s3://dumps/…`: holds a secret"),
        ("s3://dumps/comments/", "https://dumps.s3.amazonaws.com/a", "`https://` is no store that hindcast reads"),
        ("gs://hunts/out/", "gs://", "6: output: `gs://`: names no bucket; write `gs://bucket/key`"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_line_and_no_secret_is_told(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in HUNT
    (tmp_path / "hunt.yaml").write_text(HUNT.replace(old, new, 1))
    with pytest.raises(HuntError) as caught:
        load_hunt(tmp_path / "hunt.yaml")
    assert problem in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "AKIA" not in str(caught.value)
