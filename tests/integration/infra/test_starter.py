"""The nightly starter's own command, against a server that answers as Kubernetes' API does."""

import datetime as dt
import http.server
import ipaddress
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.infra import INFRA, build, of_kind

TOKEN = "a-token"  # noqa: S105 - the server's own


@dataclass(slots=True)
class Api:
    """Attributes: its port, what it answers, and what it was sent."""

    port: int = 0
    status: int = 201
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """What Kubernetes mounts for a service account; the certificate of the server is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    return tmp_path


@pytest.fixture
def api(account: Path) -> Iterator[Api]:
    told = Api()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.requests.append((self.path, dict(self.headers), body))
            answer = b'{"message": "as Kubernetes says"}'
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(account / "ca.crt", account / "key")
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        told.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


def start(account: Path, port: int) -> subprocess.CompletedProcess[str]:
    """Runs the CronJob's command with the paths and the host of this test."""
    if shutil.which("wget") is None:
        pytest.skip("wget is not installed")
    (job,) = of_kind(build(INFRA / "kubernetes/overlays/aws"), "CronJob")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (script,) = container["args"]
    for there, here in {
        "/var/run/secrets/kubernetes.io/serviceaccount": str(account),
        "/rayjob/": f"{INFRA}/kubernetes/base/",
        "https://kubernetes.default.svc/": f"https://127.0.0.1:{port}/",
    }.items():
        assert there in script
        script = script.replace(there, here)
    words = [*container["command"], script]
    return subprocess.run(
        words, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False, timeout=60
    )


def test_it_creates_one_ray_job(account: Path, api: Api) -> None:
    done = start(account, api.port)
    assert done.returncode == 0, done.stderr
    ((path, headers, body),) = api.requests
    assert path == "/apis/ray.io/v1/namespaces/hindcast/rayjobs?fieldValidation=Strict"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Content-Type"] == "application/yaml"
    assert body == (INFRA / "kubernetes/base/rayjob.yaml").read_bytes()


@pytest.mark.parametrize("status", [403, 422, 500])
def test_a_refusal_fails_and_says_why(account: Path, api: Api, status: int) -> None:
    api.status = status
    done = start(account, api.port)
    assert done.returncode != 0
    assert "as Kubernetes says" in done.stdout
    assert TOKEN not in done.stdout + done.stderr
    assert len(api.requests) == 1


def test_a_stranger_gets_no_token(api: Api, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("account")
    (elsewhere / "token").write_text(TOKEN, encoding="utf-8")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", elsewhere / "ca.crt")
    done = start(elsewhere, api.port)
    assert done.returncode != 0
    assert api.requests == []
