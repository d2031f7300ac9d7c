"""Published claims, and what the runs of a study say of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from limlff.report.page import Table

Verdict = Literal["agrees", "agrees in part", "disagrees", "not tested"]


@dataclass(frozen=True)
class Claim:
    """A claim and what speaks for it and against it.

    Attributes:
        text: The claim.
        source: Who says so.
        verdict: What the runs say.
        evidence: With which numbers.
    """

    text: str
    source: str
    verdict: Verdict
    evidence: str


def verdict_of(value: float, holds: float, fails: float) -> Verdict:
    """Verdict on a claim by a number that is large where it holds.

    Args:
        value: The number; nothing is said of one that is not known.
        holds: From here on the claim holds.
        fails: Down from here it does not; between the two it holds in part.
    """
    if math.isnan(value):
        return "not tested"
    if value >= holds:
        return "agrees"
    return "disagrees" if value <= fails else "agrees in part"


def claims_table(claims: Sequence[Claim]) -> Table:
    """Claims with a verdict each."""
    rows = [[c.text, c.source, c.verdict, c.evidence] for c in claims]
    return Table(["claim", "by", "these runs", "evidence"], rows, "Claims and verdicts", True)
