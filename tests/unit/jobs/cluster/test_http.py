import pickle
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.cluster import http
from jobs.cluster.contexts import Cluster
from jobs.cluster.head import Head
from jobs.cluster.http import ClusterError, Http
from tests.support.head import TOKEN, HeadState, answering, head

ADMITTED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def state() -> HeadState:
    return HeadState()


@pytest.fixture
def address(state: HeadState) -> Iterator[str]:
    with head(state) as address:
        yield address


def asked(cluster: Cluster) -> tuple[str, list[float]]:
    """The version that a head tells, or what is wrong with it; and the pauses that were made."""
    pauses: list[float] = []
    try:
        return Head(Http(cluster, pauses.append)).version(), pauses
    except ClusterError as error:
        return error.message, pauses


def test_headers_go_with_every_request(state: HeadState, address: str) -> None:
    assert asked(Cluster(address, headers={**ADMITTED, "X-Team": "trust"})) == ("2.60.0", [])
    ((_, _, sent),) = state.requests
    assert sent["X-Team"] == "trust"
    # Ray takes requests of browsers for attacks.
    assert sent["User-Agent"].startswith("hindcast/")


def test_a_token_that_is_missing_or_wrong(address: str) -> None:
    told, pauses = asked(Cluster(address))
    assert told.startswith("wants a token; set RAY_AUTH_TOKEN")
    assert pauses == []
    told, _ = asked(Cluster(address, headers={"Authorization": "Bearer y"}, token_source="PROD_TOKEN"))  # noqa: S106
    assert told.startswith("refuses the token from PROD_TOKEN")
    told, _ = asked(Cluster(address, headers={"Authorization": "Bearer y"}))
    assert "`headers:`" in told


def test_a_head_that_is_away_for_a_moment_is_asked_again(state: HeadState, address: str) -> None:
    state.trouble = [503, "drop"]
    told, pauses = asked(Cluster(address, headers=ADMITTED))
    assert told == "2.60.0"
    assert len(pauses) == 2


def test_a_head_that_stays_away_is_given_up(state: HeadState, address: str) -> None:
    state.trouble = [502] * 9
    told, pauses = asked(Cluster(address, headers=ADMITTED))
    assert "the head behind it is away" in told
    assert len(state.requests) == http.TRIES
    assert len(pauses) == http.TRIES - 1


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        told, _ = asked(Cluster(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert told.startswith("nobody listens here")


def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told, pauses = asked(Cluster(f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert told.startswith("does not answer")
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak HTTP"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: https://login/\r\nContent-Length: 0\r\n\r\n",
            "as a login page would",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "is not the dashboard of a Ray head"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "is not the dashboard of a Ray head"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "broke off"),
    ],
)
def test_what_is_no_head(answer: bytes, told: str) -> None:
    with answering(answer, answer, answer) as (host, port, _):
        assert told in asked(Cluster(f"http://{host}:{port}"))[0]


def test_endless_answers_are_cut(state: HeadState, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 1 << 20)
    state.add("a", "x" * (2 << 20))
    with pytest.raises(ClusterError, match="answers more than 1 MB to GET /api/jobs/a/logs"):
        Head(Http(Cluster(address, headers=ADMITTED))).logs("a")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_certificates_are_checked(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost", "-days", "2"]
    usage = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *words, *usage],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        thread = threading.Thread(target=_serve_tls, args=(server, context))
        thread.start()
        told, pauses = asked(Cluster(f"https://localhost:{port}"))
        assert told.startswith("its certificate is not trusted (self")
        assert pauses == []
        assert asked(Cluster(f"https://localhost:{port}", ca_file=str(certificate)))[0] == "2.60.1"
        thread.join()
    assert "holds no certificates" in asked(Cluster(f"https://localhost:{port}", ca_file=str(key)))[0]


def _serve_tls(server: socket.socket, context: ssl.SSLContext) -> None:
    refused, _ = server.accept()
    with refused, pytest.raises(ssl.SSLError):
        context.wrap_socket(refused, server_side=True)
    taken, _ = server.accept()
    with context.wrap_socket(taken, server_side=True) as connection:
        connection.recv(1 << 16)
        body = b'{"ray_version": "2.60.1"}'
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with answering(*[b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"] * 3) as (host, port, received):
        monkeypatch.setenv("http_proxy", f"http://{host}:{port}")
        told, _ = asked(Cluster("http://head.invalid:8265", headers=ADMITTED))
    assert told.startswith("cannot be reached")
    assert received[0].startswith(b"CONNECT head.invalid:8265 HTTP/1.")
    assert TOKEN.encode() not in received[0]


def test_no_proxy_stands_before_a_port_of_this_machine(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert asked(Cluster(address, headers=ADMITTED)) == ("2.60.0", [])


def test_the_error_pickles() -> None:
    error = ClusterError("http://h:1", "is away", True)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(copy), copy.unreachable, copy.problems) == ("http://h:1: is away", True, error.problems)
