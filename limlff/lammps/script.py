"""Input of LAMMPS with `pair_style limlff`: the part before it, its elements, and the part behind.

LAMMPS runs both parts itself, with all of its language. What limlff does stands between them, and
takes the place of the two lines

    pair_style limlff
    pair_coeff * * Li Cu        # an element for each atom type

as for any other pair style of LAMMPS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from limlff.errors import InputError, os_error_in_words, shown

STYLE = "limlff"
_ADVICE = "write `pair_coeff * * Li` with an element for each atom type"
_LONGEST = 10_000_000  # bytes


@dataclass(frozen=True)
class Script:
    """An input in its parts.

    Attributes:
        before: Lines up to the pair style.
        elements: Element of each atom type.
        behind: Lines behind the pair's coefficients.
    """

    before: str
    elements: tuple[str, ...]
    behind: str


@dataclass(frozen=True)
class _Command:
    """One command: where it begins, the line behind it, and its words without comments."""

    line: int
    end: int
    words: tuple[str, ...]


def read_script(path: Path) -> Script:
    """The parts of an input file.

    Raises:
        InputError: If it cannot be read, has no `pair_style limlff` or no elements behind it, or
            has a command that would take the potential away.
    """
    try:
        if path.stat().st_size > _LONGEST:
            raise InputError(f"{shown(path)}: is larger than {_LONGEST} bytes, no input of LAMMPS")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(os_error_in_words(error)) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{shown(path)}: is no text in UTF-8; name an input of LAMMPS") from error
    return split_script(text, shown(path))


def split_script(text: str, name: str) -> Script:
    """The parts of an input.

    Args:
        text: The input.
        name: What it is called in messages.

    Raises:
        InputError: As `read_script`.
    """
    commands = list(_commands(text.splitlines()))
    styles = [i for i, each in enumerate(commands) if each.words[0] == "pair_style"]
    ours = [i for i in styles if commands[i].words[1:2] == (STYLE,)]
    if not ours:
        raise InputError(
            f"{name}: has no line `pair_style {STYLE}`; write it behind the box and the atoms, "
            f"then {_ADVICE}"
        )
    place = ours[0]
    style = commands[place]
    if len(style.words) > 2:
        raise InputError(
            f"{name}, line {style.line + 1}: pair_style {STYLE} takes no {shown(style.words[2])}; "
            "the potential is given by --potential"
        )
    _refuse(commands, styles, place, name)
    coefficients = commands[place + 1] if place + 1 < len(commands) else None
    if coefficients is None or coefficients.words[:3] != ("pair_coeff", "*", "*"):
        line = (coefficients or style).line + 1
        raise InputError(f"{name}, line {line}: pair_coeff must follow; {_ADVICE}")
    if len(coefficients.words) < 4:
        raise InputError(f"{name}, line {coefficients.line + 1}: names no element; {_ADVICE}")
    lines = text.splitlines()
    before = "\n".join(lines[: style.line])
    # empty lines in the place of what is gone, so that LAMMPS counts lines as the file does
    behind = "\n" * coefficients.end + "\n".join(lines[coefficients.end :])
    return Script(f"{before}\n", coefficients.words[3:], f"{behind}\n")


def _refuse(commands: list[_Command], styles: list[int], place: int, name: str) -> None:
    """Refuse what would take the potential away, or add another to it, without a word."""
    for index, each in enumerate(commands):
        where = f"{name}, line {each.line + 1}"
        if index in styles and index > place:
            raise InputError(
                f"{where}: pair_style stands a second time; limlff's potential would stay beside "
                "it. Use one pair_style in an input"
            )
        if each.words[0] == "clear" and index > place:
            raise InputError(
                f"{where}: clear would remove the potential; use an input of its own for what "
                "follows"
            )


def _commands(lines: list[str]) -> Iterator[_Command]:
    """Commands with their words; those within triple quotes are text."""
    start, text, quoted = 0, "", False
    for number, line in enumerate(lines):
        was_quoted = quoted
        quoted ^= line.count('"""') % 2 == 1
        if not text:
            start = number
        if was_quoted:
            continue
        stripped = line.split("#")[0].rstrip()
        if stripped.endswith("&"):
            text += f"{stripped[:-1]} "
            continue
        words = (text + stripped).split()
        text = ""
        if words:
            yield _Command(start, number + 1, tuple(words))
