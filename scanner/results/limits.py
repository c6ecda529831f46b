"""How much of anything a hunt takes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a run; None for no bound.

    Attributes:
        split_timeout_s: Seconds after which the worker of a split is ended.
        stored_hits_per_signature: Hits of a signature that a finished run stores at most: a sample.
        stored_hits_per_split: Hits of a split that it stores at most.
    """

    split_timeout_s: float | None = None
    stored_hits_per_signature: int | None = None
    stored_hits_per_split: int | None = None
