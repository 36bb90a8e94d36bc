"""`python -m bklint` is the `bklint` command."""

from bklint.cli import main

raise SystemExit(main())
