"""One hunt's work, done by hindcast and by what people would use instead, over the same file with the same rules."""

import os

# Polars and Ray read these when they are imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
