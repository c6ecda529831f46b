import io
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from jobs.watching import log
from scanner.archive import storage
from tests.support import servers

# `make test` runs the same examples every time; `make test-all` looks for new ones. Neither goes by the clock.
settings.register_profile("searching", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", settings.get_profile("searching"), derandomize=True)
settings.load_profile("searching")


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A shell has what it runs in the background ignore Ctrl-C, and every process that a test starts would too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache for the session: the engine is examined once, and nothing is left to later sessions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HINDCAST_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def local_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One Ray for all tests that need it: it takes seconds to start. Its files stay out of the real home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        from jobs.executors import ray_tasks  # noqa: PLC0415 - a second that only these tests pay

        with ray_tasks.local_ray():
            yield


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What the log says."""
    out = io.StringIO()
    log.turn_on(out)
    yield out
    log.turn_off()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """One S3 for all tests that need it: it takes a second to start."""
    with servers.s3_server() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def gcs_endpoint() -> Iterator[str]:
    """One Google Cloud Storage for all tests that need it."""
    with servers.gcs_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3(s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder on S3 under which nothing is stored yet; the environment leads there."""
    for name, value in {**servers.CREDENTIALS, "AWS_ENDPOINT_URL": s3_endpoint}.items():
        monkeypatch.setenv(name, value)
    storage.configure(None)
    yield f"s3://{servers.BUCKET}/{tmp_path.name}"
    storage.configure(None)


@pytest.fixture
def gcs(gcs_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder on Google Cloud Storage under which nothing is stored yet; the environment leads there."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_endpoint)
    storage.configure(None)
    yield f"gs://{servers.BUCKET}/{tmp_path.name}"
    storage.configure(None)
