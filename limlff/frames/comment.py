"""The comment line of extended XYZ: keys and values, in time that grows with its length alone."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\s=]+")
_GAP = re.compile(r"\s*")
_PLAIN = re.compile(r"\S+")
# opening sign of a value, and the value with its closing sign
_ENCLOSED = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL),
    "'": re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL),
    "{": re.compile(r"\{[^}]*\}"),
    "[": re.compile(r"\[.*?\](?=\s|$)"),
}


def comment_pairs(line: str) -> list[tuple[str, str]]:
    """Keys and values of a comment line in their order, values as text without their quotes.

    A word without `=` is ignored, and so is a bracket or quote that is never closed. Each closing
    bracket is searched for only once, so that no line takes more than linear time.
    """
    pairs: list[tuple[str, str]] = []
    unclosed: set[str] = set()
    place = 0
    while place < len(line):
        place = _after(_GAP, line, place)
        word = _WORD.match(line, place)
        if word is None:  # a sign of equality without a key, or the end
            place += 1
            continue
        place = _after(_GAP, line, word.end())
        if line[place : place + 1] != "=":
            continue
        place = _after(_GAP, line, place + 1)
        sign = line[place : place + 1]
        value = None
        if sign in _ENCLOSED and sign not in unclosed:
            value = _ENCLOSED[sign].match(line, place)
            if value is None:
                unclosed.add(sign)
        value = value or _PLAIN.match(line, place)
        if value is None:  # the line ends behind the sign of equality
            pairs.append((word.group().strip("\"'"), ""))
            break
        place = value.end()
        text = value.group()
        if sign in ("'", '"') and len(text) > 1 and text[-1] == sign:
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        pairs.append((word.group().strip("\"'"), text))
    return pairs


def _after(pattern: re.Pattern[str], line: str, place: int) -> int:
    match = pattern.match(line, place)
    return place if match is None else match.end()
