"""Words into the entry they are about: an error code, a policy, or an error message as somebody pasted it.

A code or a policy id in the words wins over everything. Otherwise words are compared: without accents, case and words
that say nothing, rare words counting more than frequent ones, misspelt words for the nearest known word. Nothing is
random, and equal scores keep the order of the knowledge base, so equal words give equal answers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from itertools import pairwise
from math import log

from bklint.explain.knowledge import Entry, Knowledge
from bklint.records import dataclass

LEAST = 0.42
"""The score below which words are about nothing known."""

SURE = 2.0
"""The score of a code that is written exactly."""

NEAR = 0.82
"""How alike, of 1, a misspelt word must be to a known one."""

NEAR_CODE = 0.85
"""How alike a misspelt code must be to a known one."""

SHORTEST = 4
"""Letters of the shortest word that may be misspelt."""

SHORTEST_CODE = 8
"""Letters of the shortest part of a code that stands for it."""

FEW = 3
"""Words that a text needs to be found inside a longer one."""

LONGEST = 1000
"""Letters from which on a text that stands word for word in another counts no more."""

_POLICY = re.compile(r"\bBKP\d{3}\b", re.IGNORECASE)
_TOKEN = re.compile(r"[a-z0-9]+(?:\.[a-z0-9]+)*")
_PHRASES = re.compile(r"\b(?:machines? virtuelles?|virtual machines?|ordinateurs? virtuels?|vms)\b")
_ONE_WORD = re.compile(r"\w{8,}")
_COMPOUND = re.compile(r"\b(?=\w{8,})[A-Za-z]+[a-z][A-Z]\w*")
_CAPITALS = re.compile(r"\b[A-Za-z]*[a-z][A-Z]\w*")
_INNER = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LINK = re.compile(r"https?://\S+")

_EMPTY = frozenset(
    _TOKEN.findall(
        "a an and are as at azure be by can cannot do does for from has have if in is isn it its microsoft no not of on or "
        "please so t that the then this to was wasn were when with you your doesn "
        "au aux avec c car ce ces cette d dans de des du elle en est et etre il ils l la le les leur ne ou par pas pour qu "
        "que qui s sa sauvegarde se ses si son sont sur un une veuillez vos votre vous backup vm n y afin ainsi"
    )
)
"""Words that say nothing about which error it is."""


@dataclass(frozen=True, slots=True)
class Match:
    """An entry and how well it fits: 2 for its code, between 1 and 2 for its text word for word, else less."""

    entry: Entry
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What words are about: a policy (`policy` is its id), or entries, the best first; neither where nothing is known."""

    policy: str = ""
    matches: tuple[Match, ...] = ()


def find(words: str, knowledge: Knowledge, names: Mapping[str, str]) -> Answer:
    """What some words are about. `names` are the policies there are, id to name."""
    by_code = _by_code(words, knowledge)
    if by_code:
        return Answer(matches=by_code)
    policy = _policy(words, knowledge, names)
    if policy:
        return Answer(policy, tuple(Match(entry, 1.0) for entry in knowledge.naming(policy)))
    if _POLICY.fullmatch(words.strip()):
        return Answer()
    return Answer(matches=_by_words(words, knowledge))


# -- codes and ids -------------------------------------------------------------------------------------------------


def _by_code(words: str, knowledge: Knowledge) -> tuple[Match, ...]:
    """The entries whose codes or ids stand in the words; else, of words that look like codes, those they are nearest."""
    codes = {name.casefold(): entry for entry in knowledge.entries for name in (entry.id, *entry.codes)}
    codes |= {label: entry for entry in knowledge.entries for label in _numbers(entry)}
    found = [codes[word.casefold()] for word in re.findall(r"\w+", words) if word.casefold() in codes]
    if found:
        return tuple(Match(entry, SURE) for entry in dict.fromkeys(found))
    compound = [words.strip()] if _ONE_WORD.fullmatch(words.strip()) else _COMPOUND.findall(words)
    return tuple(match for word in compound for match in _near_code(word.casefold(), codes))[:FEW]


def _numbers(entry: Entry) -> tuple[str, ...]:
    """The numbers of its rows as they may be asked for: `a72`, `a7b`."""
    return tuple(f"a{label}" for label in entry.labels)


def _near_code(word: str, codes: Mapping[str, Entry]) -> tuple[Match, ...]:
    """The entries whose code a word misspells, is a long part of, or holds."""
    long = [code for code in codes if len(code) > SHORTEST_CODE * 2]
    near = get_close_matches(word, long, FEW, NEAR_CODE)
    parts = [code for code in long if word in code] if _code_like(word, long) else []
    found = dict.fromkeys(codes[code] for code in (*near, *parts, *(code for code in long if code in word)))
    return tuple(Match(entry, 1.5) for entry in found)


def _code_like(word: str, codes: Sequence[str]) -> bool:
    """Whether a word is a part of few codes, so that it means one of them."""
    return len(word) > SHORTEST_CODE and 0 < sum(word in code for code in codes) <= FEW


def _policy(words: str, knowledge: Knowledge, names: Mapping[str, str]) -> str:
    """The id of the policy whose id stands in the words, or whose name they are."""
    known = {**dict.fromkeys(knowledge.planned, ""), **names}
    found = (id_.upper() for id_ in _POLICY.findall(words))
    named = (id_ for id_, name in known.items() if name and name == words.strip().casefold())
    return next((id_ for id_ in (*found, *named) if id_ in known), "")


# -- words ---------------------------------------------------------------------------------------------------------


def tokens(text: str) -> tuple[str, ...]:
    """The words of a text that say something, in order: folded, without accents, plural endings and addresses; of a
    compound as in `RestorePoint` the parts too."""
    parts = _CAPITALS.sub(lambda found: f"{found[0]} {_INNER.sub(' ', found[0])}", _LINK.sub(" ", text))
    words = _TOKEN.findall(_PHRASES.sub(" vm ", _folded(parts)))
    return tuple(_singular(word) for word in words if word not in _EMPTY and (len(word) > 1 or word.isdigit()))


def _folded(text: str) -> str:
    """Text without case and accents."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe"))
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def _plain(text: str) -> str:
    """All words of a text with one space around each, to see whether one text stands in another."""
    return f" {' '.join(_TOKEN.findall(_folded(text)))} "


def _singular(word: str) -> str:
    return word[:-1] if len(word) >= SHORTEST and word.endswith(("s", "x")) and not word.endswith("ss") else word


@dataclass(frozen=True, slots=True)
class _Text:
    """One text of an entry; `whole` where all of it counts and not only what is asked for. `plain` is a message, to be
    found word for word."""

    entry: Entry
    words: tuple[str, ...]
    whole: bool = True
    plain: str = ""


@dataclass(frozen=True, slots=True)
class _Index:
    """All texts, and how much each word tells; `unknown` of one that nobody knows, half as much as the rarest."""

    texts: tuple[_Text, ...]
    weights: Mapping[str, float]
    unknown: float

    def weight(self, word: str) -> float:
        return self.weights.get(word, self.unknown)


@cache
def _index(entries: tuple[Entry, ...]) -> _Index:
    texts = tuple(text for entry in entries for text in _texts(entry))
    held: dict[str, set[str]] = {}
    for text in texts:
        for word in text.words:
            held.setdefault(word, set()).add(text.entry.id)
    weights = {word: log(1 + len(entries) / len(ids)) for word, ids in held.items()}
    return _Index(texts, weights, max(weights.values()) / 2)


def _texts(entry: Entry) -> Iterable[_Text]:
    for message in entry.messages:
        yield _Text(entry, tokens(message.text), plain=_plain(message.text))
        head = re.split(r"\s+-\s*|\. ", message.text, maxsplit=1)[0]
        if head != message.text:
            yield _Text(entry, tokens(head), plain=_plain(head))
    yield _Text(entry, tokens(entry.title))
    yield from (_Text(entry, tokens(words)) for words in entry.words)
    about = (entry.title, *entry.words, entry.meaning, *entry.codes, *entry.steps, *(row.says for row in entry.rows))
    yield _Text(entry, tokens(" ".join((*about, *(message.text for message in entry.messages)))), whole=False)


def _by_words(words: str, knowledge: Knowledge) -> tuple[Match, ...]:
    asked, said = tokens(words), _plain(words)
    index = _index(knowledge.entries)
    meant = {word: _meant(word, index) for word in dict.fromkeys(asked)}
    best: dict[str, Match] = {}
    for text in index.texts:
        score = _verbatim(said, text) or _score(asked, meant, text, index)
        if score >= LEAST and (text.entry.id not in best or score > best[text.entry.id].score):
            best[text.entry.id] = Match(text.entry, round(score, 4))
    order = {entry.id: number for number, entry in enumerate(knowledge.entries)}
    return tuple(sorted(best.values(), key=lambda match: (-match.score, order[match.entry.id])))


def _verbatim(said: str, text: _Text) -> float:
    """More than 1 where a message of some words stands in what is said, the longer the more; else 0."""
    if text.plain.count(" ") <= FEW or text.plain not in said:
        return 0.0
    return 1 + min(len(text.plain), LONGEST - 1) / LONGEST


def _meant(word: str, index: _Index) -> Mapping[str, float]:
    """The known words that a word may stand for, and how surely."""
    if word in index.weights:
        return {word: 1.0}
    if len(word) < SHORTEST:
        return {}
    near = get_close_matches(word, index.weights, FEW, NEAR)
    return {each: SequenceMatcher(None, word, each).ratio() for each in near}


def _score(asked: tuple[str, ...], meant: Mapping[str, Mapping[str, float]], text: _Text, index: _Index) -> float:
    """How much of what is asked the text holds, how much of the text is asked for, and whether in the same order."""
    own = set(text.words)
    hits = {word: max((sure for each, sure in meant[word].items() if each in own), default=0.0) for word in meant}
    recall = _share({word: (index.weight(word), sure) for word, sure in hits.items()})
    if not text.whole:
        return 0.6 * recall
    reached = {each: sure for word in meant for each, sure in meant[word].items()}
    precision = _share({word: (index.weight(word), reached.get(word, 0.0)) for word in own})
    inside = 0.25 * recall + 0.7 * precision if len(own) >= FEW else 0.0
    return max(0.65 * recall + 0.3 * precision, inside) + 0.05 * _in_order(asked, meant, text)


def _share(weighed: Mapping[str, tuple[float, float]]) -> float:
    """The part of the weights that is hit; pairs of weight and how surely it is."""
    whole = sum(weight for weight, _ in weighed.values())
    return sum(weight * sure for weight, sure in weighed.values()) / whole if whole else 0.0


def _in_order(asked: tuple[str, ...], meant: Mapping[str, Mapping[str, float]], text: _Text) -> float:
    """The part of the text's pairs of neighbours that are neighbours in what is asked too."""
    pairs = set(pairwise(text.words))
    said = [next(iter(meant[word]), word) for word in asked]
    return len(pairs & set(pairwise(said))) / len(pairs) if pairs else 0.0
