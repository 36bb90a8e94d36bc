"""`python -m bklint` is the `bklint` command."""

from bklint.cli import command

command()
