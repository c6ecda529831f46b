"""What stands behind options that several verbs have."""

from typing import Literal

import click


def column_names(written: str | None) -> list[str] | Literal["auto"]:
    """The columns that ``--columns`` names; ``auto``, which is every text column, only where it is left out.

    Raises:
        UsageError: A name is empty, as behind a variable of the shell that is not set.
    """
    if written is None:
        return "auto"
    names = [name.strip() for name in written.split(",")]
    if not all(names):
        message = "`--columns` has an empty name; name columns, or leave it out to scan every text column"
        raise click.UsageError(message)
    return names
