"""What MkDocs does to the pages of the site: links to files outside of `docs` become links to the repository.

On GitHub the pages are read as they are, so they link files of the tree by their path. A path that does not exist is an error.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<=\]\()(?P<path>(?:\.\./)+[^)#\s]+)")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """See the module; called by MkDocs for each page."""
    here = posixpath.dirname(f"docs/{page.file.src_uri}")

    def outside(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(here, match["path"]))
        if path.startswith("docs/"):
            return match[0]
        if not (ROOT / path).exists():
            logging.getLogger("mkdocs.hooks").warning("%s: %s does not exist", page.file.src_uri, match["path"])
        return f"{config.repo_url}/blob/main/{path}"

    return LINK.sub(outside, markdown)
