from pathlib import Path

import pytest

from jobs.cluster.contexts import Cluster, checked_address, find_cluster
from scanner.errors import HuntError

CONTEXTS = """\
current: prod
contexts:
  prod:
    address: https://head.example:8265/ray/
    token: {env: PROD_TOKEN}
    headers:
      CF-Access-Client-Secret: {file: secrets/cf}
    ca: ca.pem
  local: {address: "http://127.0.0.1:8265"}
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "cf").write_text("cf-secret\n")
    (tmp_path / "ca.pem").write_text("")
    (tmp_path / "contexts.yaml").write_text(CONTEXTS)
    return {
        "HOME": str(tmp_path),
        "HINDCAST_CONFIG": str(tmp_path / "contexts.yaml"),
        "PROD_TOKEN": "prod-token",
    }


def wrong(environ: dict[str, str], address: str | None = None, context: str | None = None) -> str:
    with pytest.raises(HuntError) as caught:
        find_cluster(address, context, environ)
    return str(caught.value)


def test_the_current_context_with_its_secrets(environ: dict[str, str], tmp_path: Path) -> None:
    cluster = find_cluster(None, None, environ)
    assert cluster.address == "https://head.example:8265/ray"
    assert cluster.headers == {"CF-Access-Client-Secret": "cf-secret", "Authorization": "Bearer prod-token"}
    assert (cluster.option, cluster.token_source) == ("--context prod", "PROD_TOKEN")
    assert cluster.ca_file == str(tmp_path / "ca.pem")
    assert "secret" not in repr(cluster)
    assert "prod-token" not in repr(cluster)


def test_an_address_or_another_context_goes_before_the_current_one(environ: dict[str, str]) -> None:
    assert find_cluster(None, "local", environ).address == "http://127.0.0.1:8265"
    assert find_cluster("head:8265", None, environ).address == "http://head:8265"
    assert (
        find_cluster(None, None, {**environ, "RAY_API_SERVER_ADDRESS": "http://e:1"}).address == "http://e:1"
    )
    assert "leave one out" in wrong(environ, "http://a:1", "local")


def test_the_usual_place_of_the_file(environ: dict[str, str], tmp_path: Path) -> None:
    del environ["HINDCAST_CONFIG"]
    assert "no cluster is named" in wrong(environ)
    folder = tmp_path / ".config" / "hindcast"
    folder.mkdir(parents=True)
    (folder / "contexts.yaml").write_text("current: a\ncontexts: {a: {address: 'http://a:1'}}\n")
    assert find_cluster(None, None, environ).address == "http://a:1"


def test_the_token_is_found_where_rays_own_client_looks(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}

    def sent() -> tuple[str | None, str]:
        cluster = find_cluster("http://127.0.0.1:8265", None, environ)
        return cluster.headers.get("Authorization"), cluster.token_source

    assert sent() == (None, "")
    (tmp_path / ".ray").mkdir()
    usual = tmp_path / ".ray" / "auth_token"
    usual.write_text("usual\n")
    assert sent() == ("Bearer usual", str(usual))
    named = tmp_path / "token"
    named.write_text("named")
    environ["RAY_AUTH_TOKEN_PATH"] = str(named)
    assert sent() == ("Bearer named", str(named))
    environ["RAY_AUTH_TOKEN"] = "direct"  # noqa: S105
    assert sent() == ("Bearer direct", "RAY_AUTH_TOKEN")
    environ["RAY_JOB_HEADERS"] = '{"authorization": "Basic x"}'
    assert sent() == (None, "RAY_AUTH_TOKEN")
    del environ["RAY_JOB_HEADERS"]
    environ["RAY_AUTH_MODE"] = "disabled"
    assert sent() == (None, "")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{env: PROD_TOKEN}", "0123456789", "contexts.prod.token: write `{env: NAME}`"),
        ("{env: PROD_TOKEN}", "{env: NOT_SET}", "the variable NOT_SET is not set or empty"),
        ("{file: secrets/cf}", "{file: secrets/none}", "cannot be read"),
        ("{file: secrets/cf}", "plain-secret", "a secret does not stand in this file"),
        ("    ca: ca.pem", "    ca: none.pem", "there is no such file of certificates"),
        ("    ca: ca.pem", "    cert: x", "contexts.yaml:8: contexts.prod.cert: there is no such key"),
        ("current: prod", "current: stage", "there is no such context; those of"),
        ("    address: https://head.example:8265/ray/\n", "", "contexts.prod.address: is missing"),
        ("contexts:\n  prod:", "contexts: [1]\nx:\n  prod:", "there is no such key"),
        ("current: prod", "current: &a prod", "is an anchor of YAML"),
    ],
)
def test_what_is_wrong_with_the_file(environ: dict[str, str], old: str, new: str, told: str) -> None:
    path = Path(environ["HINDCAST_CONFIG"])
    assert old in CONTEXTS
    path.write_text(CONTEXTS.replace(old, new))
    message = wrong(environ)
    assert told in message
    assert "plain-secret" not in message
    assert "0123456789" not in message


def test_secrets_that_no_header_may_hold_are_refused_unquoted(environ: dict[str, str]) -> None:
    message = wrong({**environ, "RAY_AUTH_TOKEN": "a\nsecret"}, "http://a:1")
    assert "holds characters that no header may have" in message
    assert "secret" not in message


@pytest.mark.parametrize(
    "address",
    [
        "ray://head:10001",
        "ftp://x",
        "http://",
        "http://h:port",
        "http://h/?q=1",
        "http://h:99999",
        "http://[::1",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(HuntError, match=r"no address.*https://head:8265"):
        checked_address(address)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(HuntError) as caught:
        checked_address("https://user:pass@head:8265")
    assert str(caught.value).startswith("head:8265: holds a name or a password")


@pytest.mark.parametrize(
    ("address", "tells"),
    [
        ("http://head:8265", True),
        ("https://head:8265", False),
        ("http://127.0.0.1:1", False),
        ("http://[::1]:1", False),
        ("http://localhost:1", False),
    ],
)
def test_secrets_on_an_open_network_are_noticed(address: str, tells: bool) -> None:
    assert Cluster(checked_address(address), headers={"Authorization": "x"}).tells_secrets is tells
    assert not Cluster(checked_address(address)).tells_secrets
