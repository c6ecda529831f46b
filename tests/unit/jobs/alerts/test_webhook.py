import pickle
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from jobs.alerts.message import Found, Message, of_failure, of_run
from jobs.alerts.webhook import Patience, UndeliveredError, checked_secret, deliver, signature
from tests.support.receiver import DRIP, HANG_UP, receiving, verify

MESSAGE = Message("gaps", "0123abcd", b'{"kind":"gaps"}')
SECRET = "a secret of ours"  # noqa: S105 - nobody's
NOW = 1_795_000_000


def send(url: str, answer_s: float = 10.0) -> tuple[str | None, list[float]]:
    """Why it was not taken, and the pauses between the tries."""
    pauses: list[float] = []
    try:
        deliver(url, MESSAGE, SECRET, Patience(4, answer_s), pauses.append, lambda: NOW + len(pauses) * 7.9)
    except UndeliveredError as error:
        return str(error), pauses
    return None, pauses


def test_a_message_is_signed_and_proves_when_it_was_sent() -> None:
    with receiving() as receiver:
        assert send(receiver.url) == (None, [])
    ((headers, body),) = receiver.requests
    assert body == MESSAGE.body
    assert headers["content-type"] == "application/json"
    assert headers["idempotency-key"] == headers["webhook-id"] == MESSAGE.key
    assert verify(headers, body, SECRET, NOW + 299)
    assert not verify(headers, body, SECRET, NOW + 301), "a replay"
    assert not verify(headers, body + b" ", SECRET, NOW)
    assert not verify(headers, body, "another", NOW)
    assert not verify({**headers, "webhook-id": "other"}, body, SECRET, NOW)
    assert not verify({**headers, "webhook-timestamp": str(NOW + 1)}, body, SECRET, NOW)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """Source: the example of the specification's own libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("text", ["whsec_", "whsec_MfKQ9r8GKYqrTw", "whsec_MfKQ\n9r8G", "whsec_é", " \n"])
def test_a_key_that_no_receiver_could_verify_with_is_refused_and_not_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"base64 after `whsec_`|holds no key") as refused:
        checked_secret(text)
    assert "MfKQ" not in str(refused.value)


def test_what_files_and_shells_put_around_a_key_is_not_of_it() -> None:
    assert (
        checked_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\r\n")
        == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    )
    assert checked_secret(" a secret of ours\n") == "a secret of ours"


def test_a_receiver_that_is_away_is_asked_again_under_the_same_key_and_with_a_new_time() -> None:
    with receiving([503, HANG_UP, 429]) as receiver:
        reason, pauses = send(receiver.url)
    assert reason is None
    assert [0.5 <= pause / 2**number <= 1 for number, pause in enumerate(pauses)] == [True] * 3
    assert {headers["idempotency-key"] for headers, _ in receiver.requests} == {MESSAGE.key}
    assert len({headers["webhook-timestamp"] for headers, _ in receiver.requests}) == 4
    assert all(verify(headers, body, SECRET, NOW) for headers, body in receiver.requests)


def test_the_pause_that_a_receiver_asks_for_is_kept_within_bounds() -> None:
    with receiving([503, 503], retry_after="5") as receiver:
        assert send(receiver.url) == (None, [5.0, 5.0])
    with receiving([503], retry_after="86400") as receiver:
        assert send(receiver.url) == (None, [30.0])
    with receiving([503], retry_after="Wed, 21 Oct 2026 07:28:00 GMT") as receiver:
        assert send(receiver.url)[0] is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (307, "sends us elsewhere (status 307), and alerts do not follow; write the address itself"),
        (401, "answers with status 401"),
        (410, "answers with status 410"),
    ],
)
def test_what_another_try_cannot_change_is_not_tried_again(status: int, reason: str) -> None:
    with receiving([status] * 9, location="http://127.0.0.1:1/") as receiver:
        told, pauses = send(receiver.url)
    assert told == f"{receiver.url.removesuffix('/in')}: {reason}"
    assert (len(receiver.requests), pauses) == (1, [])


def test_tries_have_an_end_and_the_reason_names_no_path() -> None:
    with receiving([500] * 9) as receiver:
        reason, pauses = send(receiver.url)
    assert reason == f"{receiver.url.removesuffix('/in')}: answers with status 500, tried 4 times"
    assert (len(receiver.requests), len(pauses)) == (4, 3)


def test_a_receiver_that_drips_does_not_hold_anybody() -> None:
    with receiving([DRIP] * 4) as receiver:
        reason, _ = send(receiver.url, answer_s=0.1)
    assert reason is not None
    assert reason.endswith(", tried 4 times")


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        reason, pauses = send(f"http://127.0.0.1:{free.getsockname()[1]}/in")
    assert reason is not None
    assert "cannot be reached: Connection refused, tried 4 times" in reason
    assert len(pauses) == 3


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_certificates_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost", "-days", "2"]
    usage = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:TRUE"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *words, *usage]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with receiving(tls=context) as receiver:
        reason, pauses = send(receiver.url)
        assert reason is not None
        assert ": its certificate is not trusted (self" in reason
        assert (pauses, receiver.requests) == ([], [])
        monkeypatch.setenv("HINDCAST_CA_BUNDLE", str(certificate))
        assert send(receiver.url) == (None, [])
    assert receiver.bodies == [MESSAGE.body]


def test_the_error_crosses_processes() -> None:
    error = UndeliveredError("host", "reason")
    assert str(pickle.loads(pickle.dumps(error))) == "host: reason"  # noqa: S301 - made one line above


def test_a_message_stays_small_whatever_was_found() -> None:
    record = {
        "hunt": "nightly",
        "run_id": "r1",
        "status": "complete with gaps",
        "started_at": "2026-11-22T03:00:00+00:00",
        "finished_at": "2026-11-22T03:05:00+00:00",
        "totals": {"hits": 5},
        "gaps": [{"source_uri": "/archive/secret-name.parquet", "row_groups": [0], "reason": "x"}] * 100,
    }
    found = [Found(f"rule.{number:05}", "high", number, first=number % 2 == 0) for number in range(50_000)]
    gaps, first = of_run(record, "/results/run=r1", found)
    assert (gaps.kind, first.kind) == ("gaps", "first_hits")
    assert len({gaps.key, first.key}) == 2
    assert max(len(gaps.body), len(first.body)) < 10_000
    assert b"secret-name" not in gaps.body + first.body
    assert (gaps, first) == tuple(of_run(record, "/results/run=r1", found[::-1]))
    failure = of_failure("nightly", None, None, "x\u202e\n" * 5000, "2026-11-22T03:00:00+00:00")
    assert len(failure.body) < 20_000
    assert failure.body.isascii()
    assert b"\n" not in failure.body
