"""What a pattern costs that pass one cannot look for as it is, in words for its author."""

from typing import Final

from scanner.engine.compiling.children import Stop
from scanner.engine.compiling.effort import largest_repeat
from scanner.engine.compiling.verdicts import Verdict
from scanner.engine.patterns.loosen import NotForPassOne, loosen
from scanner.signatures.model import RegexPattern

_STOPPED: Final = {
    Stop.TIME: "takes too long to compile",
    Stop.MEMORY: "takes too much memory to compile",
    Stop.DEATH: "makes the engine's compiler fail",
}


def price(pattern: RegexPattern, verdict: Verdict) -> str:
    """Words that follow on the pattern's name: what it costs, why, and what to do; empty where it costs nothing.

    Args:
        pattern: In dialect ``pcre``.
        verdict: On it.
    """
    if verdict.stopped is not None:
        cause, remedy = _cause(pattern)
        return f"{_STOPPED[verdict.stopped]}, because of {cause}, so {_instead(verdict)}; {remedy}"
    if verdict.probe is None:
        return (
            f"is matched against every cell, one at a time, which is slow ({verdict.reason.rstrip('.')});"
            " write it without that, or join it by `and` with a pattern that is selective"
        )
    return ""


def _instead(verdict: Verdict) -> str:
    if verdict.probe is None:
        return "it is matched against every cell, one at a time, which is slow"
    return "a looser pattern is looked for first, which is slower where many texts hold that"


def _cause(pattern: RegexPattern) -> tuple[str, str]:
    try:
        loose = loosen(pattern)
    except NotForPassOne:
        return _SIZE
    repeat = largest_repeat(loose.regex)
    if repeat:
        endless = "*" if repeat.startswith("{0") else "+"
        return f"the large repeat `{repeat}`", f"write `{endless}` for it, or a smaller number"
    if loose.coarse != loose.regex:
        return "its classes beyond ASCII", "name fewer letters in them, or do without flag `u`"
    if any(sign in loose.regex for sign in ("*", "+", ",}")):
        return (
            "repeats without end beside each other, which cost much in UTF-8",
            "give them a small bound such as `{0,9}`, or split the pattern into several",
        )
    return _SIZE


_SIZE: Final = ("its size", "split it into several patterns")
