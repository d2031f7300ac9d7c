"""How much is tried, and what can happen to the bytes of a file."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FUZZ = settings(
    max_examples=100,
    deadline=20_000,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def damages(draw: st.DrawFn) -> Any:
    """A change of a file's bytes."""
    kind = draw(st.sampled_from(["flip", "cut", "zero", "insert"]))
    place = draw(st.floats(0.0, 1.0, exclude_max=True))
    bit, length = draw(st.integers(0, 7)), draw(st.integers(1, 64))

    def damage(content: bytes) -> bytes:
        at, changed = int(place * len(content)), bytearray(content)
        if kind == "flip":
            changed[at] ^= 1 << bit
        elif kind == "cut":
            del changed[at:]
        elif kind == "zero":
            changed[at : at + length] = b"\0" * len(changed[at : at + length])
        else:
            changed[at:at] = b"\x55" * length
        return bytes(changed)

    return damage
