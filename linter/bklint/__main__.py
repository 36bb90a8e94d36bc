"""`python -m bklint` is the `bklint` command."""

from typing import NoReturn

from bklint import process


def command() -> NoReturn:
    """The command as a process of its own; `bklint.cli.main` is what it does."""
    process.collect_seldom()
    from bklint.cli import main

    process.end(main())


if __name__ == "__main__":
    command()
