"""One hunt's work, done by hindcast and by what people would use instead, over the same file with the same rules."""

import os

from jobs.cli.main import ENVIRONMENT

# Polars, Ray and Arrow's allocator read these when they are imported.
os.environ.update({**ENVIRONMENT, **os.environ})
os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
