"""How a file of frames is refused."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from limlff.errors import InputError
from limlff.frames.read import read_source


def refusal(path: Path | str) -> str:
    """The one line with which a file is refused, which must not take long."""
    begin = time.monotonic()
    with pytest.raises(InputError) as caught:
        read_source(Path(path))
    assert time.monotonic() - begin < 5  # a quiet machine takes 0.1 s
    message = str(caught.value)
    assert "\n" not in message and len(message) < 700
    return message
