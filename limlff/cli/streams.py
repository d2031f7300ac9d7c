"""Standard streams on which no command depends.

A reader that goes away, a full disk, a closed terminal or an alphabet without Å cost messages, not
the work: what cannot be written is left out, what cannot be encoded is written with the characters
that there are.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

_IN_ASCII = {
    "Å": "A",
    "µ": "u",
    "μ": "u",
    "±": "+-",
    "²": "^2",
    "³": "^3",
    "×": "x",
    "·": "*",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "–": "-",
    "—": "-",
}


def _nearest_characters(error: UnicodeError) -> tuple[str, int]:
    """Handler of characters that a stream cannot encode."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(character, "?") for character in unknown), error.end


codecs.register_error("nearest", _nearest_characters)


class SteadyStream:
    """A text stream that takes everything; after its first failure nothing more is written.

    Attributes:
        failure: Why it was given up, if so.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: Exception | None = None
        with suppress(OSError, ValueError, AttributeError):  # Windows learned it late
            # A program that shares the pipe may have switched it; full, it would lose text.
            os.set_blocking(stream.fileno(), True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, or do nothing if that is not possible."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, or give the stream up."""
        self._try(self._stream.flush)

    def _try(self, action: Callable[[], object]) -> None:
        if self.failure is not None:
            return
        try:
            action()
        except (OSError, ValueError) as error:
            self.failure = error
            self._lead_to_nowhere()

    def _lead_to_nowhere(self) -> None:
        """Point the descriptor elsewhere: for what is in buffers, for libraries and children."""
        with suppress(OSError, ValueError):  # of a stream without a descriptor
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def steady_streams() -> Iterator[Callable[[], Exception | None]]:
    """Within the block standard output and error cannot fail.

    Yields:
        A function that writes out what is buffered and tells why standard output had to be given
        up, if it had.
    """
    _open_missing_descriptors()
    before = sys.stdout, sys.stderr
    errors = [_use_nearest_characters(stream) for stream in before]
    # None is what Python makes of a stream that was closed before it started.
    out, err = (SteadyStream(stream or open(os.devnull, "w")) for stream in before)  # noqa: SIM115
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)

    def failure_of_output() -> Exception | None:
        out.flush()
        return out.failure

    try:
        yield failure_of_output
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before
        for stream, handler in zip(before, errors, strict=True):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors=handler)


def _use_nearest_characters(stream: TextIO | None) -> str | None:
    """Let a stream replace what it cannot encode; returns how it treated that before, if known."""
    if not isinstance(stream, io.TextIOWrapper):
        return None
    handler = stream.errors
    stream.reconfigure(errors="nearest")
    return handler


def _open_missing_descriptors() -> None:
    """Open 0, 1 and 2 where they are closed, lest a file of results gets such a number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
