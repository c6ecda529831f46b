"""Why a split was lost, in words that hold nothing of what was read."""

import traceback

from scanner.errors import HindcastError


def why(error: BaseException) -> str:
    """The reason that goes into the coverage of a split that raised.

    The words of other libraries' errors may quote what they were given, so of those only the kind and the
    place are told.
    """
    if isinstance(error, HindcastError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"internal error: {type(error).__name__}{place}"
