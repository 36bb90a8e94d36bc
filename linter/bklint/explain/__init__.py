"""What the errors of Azure VM backup mean: the knowledge base, and finding in it what an error message is about.

The data lies in `data/knowledge/*.yaml`. It holds every row of the policy catalogue's list of errors, causes and
requirements, those that only show at run time too, and is read by `bklint explain` and by the generator of the docs.
"""

from bklint.explain.knowledge import Document, Entry, Group, Knowledge, Message, Row, load
from bklint.explain.search import Answer, Match, find

__all__ = ["Answer", "Document", "Entry", "Group", "Knowledge", "Match", "Message", "Row", "find", "load"]
