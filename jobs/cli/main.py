"""The command `hindcast`: finds the verb, runs it, and turns every outcome into an exit code.

Only click is imported here, and a verb's module only when that verb is called, so that help and completion
answer at once. Exit codes: 0 complete, 1 internal error, 2 the user's input is wrong or the engine is refused,
3 complete with gaps, 130 stopped.
"""

import difflib
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

import click

INTERNAL_ERROR = 1
WRONG_INPUT = 2
WITH_GAPS = 3
STOPPED = 130
BROKEN_PIPE = 141
"""What a shell reports for a program that the closing of its pipe ended."""

ENVIRONMENT = {"MIMALLOC_PURGE_DELAY": "10000"}
"""What Arrow's allocator reads when it is loaded, here and in the workers of a local Ray: it gives memory back after so
many milliseconds. After ten, as it would by itself, the next batch pays for its pages anew."""

VERBS = {
    "hunt": "Run a hunt over an archive and keep its hits.",
    "plan": "Show what a hunt would read, and read nothing.",
    "scan": "Try signatures on files or on lines of text, without a hunt file.",
    "signatures": "Check, test and list signatures.",
    "results": "List the runs of a hunt and show what they found.",
    "submit": "Run a hunt on a cluster, and follow it from here.",
    "list": "List the hunts that a cluster was given.",
    "status": "Say how a run on a cluster stands.",
    "logs": "Show what a run on a cluster prints.",
    "stop": "Stop a run on a cluster.",
    "schedule": "List hunts that come again, run them on this machine, or deploy them.",
    "doctor": "Say what is installed, reachable and allowed, and what to do about the rest.",
}
"""Verb → its line in the help. The module of a verb is ``jobs.cli.<verb>``, its command ``command``."""


class LazyVerbs(click.Group):
    """A group whose verbs are imported when they are called, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs, in the order in which a newcomer meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Imports one verb; None where there is no such verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"jobs.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Lists the verbs without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the verb, and names the likeliest one where it is misspelt.

        Raises:
            click.UsageError: There is no such verb.
        """
        name = args[0]
        if name not in VERBS and not name.startswith("-"):
            near = difflib.get_close_matches(name, VERBS, n=1)
            remedy = f"Did you mean {near[0]!r}?" if near else f"The commands are {', '.join(VERBS)}."
            message = f"there is no command {name!r}. {remedy}"
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Runs the verb, and prints all it said while a closed pipe can still be told from a bug."""
        result: object = super().invoke(ctx)
        sys.stdout.flush()
        return result


@click.group(
    cls=LazyVerbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="hindcast", message="hindcast %(version)s")
def cli() -> None:
    """Hunt for known-bad content in archives of posted text.

    \b
    Write signatures, test them, hunt with them:
      hindcast signatures check signatures/
      hindcast scan sample.parquet -s signatures/
      hindcast hunt hunts/nightly-fraud.yaml
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and answers its exit code.

    Args:
        arguments: The words after ``hindcast``; those of this process by default. A verb may return its exit
            code; None means 0.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character must not end a scan.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        result = cli.main(arguments, prog_name="hindcast", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return STOPPED
    except SystemExit:
        # Click's own answer to a reader that closed our output; it exits by itself in no other case here.
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the program's own edge: a user sees no traceback unless asked
        return _failed(error)
    return result if isinstance(result, int) else 0


def _failed(error: Exception) -> int:
    # Imported here because they load the libraries that a mere --help does without.
    from jobs.cli.render import safe  # noqa: PLC0415
    from scanner.errors import EngineError, HindcastError, InputError, why  # noqa: PLC0415

    if isinstance(error, InputError | EngineError):
        problems = error.problems if isinstance(error, InputError) else str(error).splitlines()
        for problem in problems:
            _say(safe(str(problem)))
        return WRONG_INPUT
    if isinstance(error, HindcastError):
        _say(f"hindcast: {safe(str(error))}")
    elif _logs():
        # Words of other libraries may quote what they were given.
        _say(why(error))
    else:
        _say(f"hindcast: internal error: {type(error).__name__}: {safe(str(error))}")
    if os.environ.get("HINDCAST_DEBUG"):
        _say("".join(traceback.format_exception(error)))
    else:
        _say("Set HINDCAST_DEBUG=1 and run it again to see the traceback.")
    return INTERNAL_ERROR


def _logs() -> bool:
    """True where standard error is a log of events."""
    log = sys.modules.get("jobs.watching.log")
    return log is not None and bool(log.is_on())


def _say(line: str) -> None:
    """On standard error, as an event where that is a log."""
    if _logs():
        sys.modules["jobs.watching.log"].tell_error(line)
    else:
        click.echo(line, err=True)


if __name__ == "__main__":
    sys.exit(main())
