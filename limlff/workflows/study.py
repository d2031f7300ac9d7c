"""Studies by name: what each is called in its YAML file, and where its code lies."""

from __future__ import annotations

import difflib
import importlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limlff.atomic_file import write_text_whole
from limlff.catalog import find_potential
from limlff.config import StrictModel, load_config, load_stored_config
from limlff.errors import InputError, OutOfTime, shown
from limlff.folder_lock import LOCK, locked
from limlff.outputs import FolderKind, check_output_folder
from limlff.paths import user_path
from limlff.resumable import resumable
from limlff.yaml_file import dump_yaml, read_mapping

STUDIES = {"healing": "limlff.workflows.healing"}
"""Module of each study, with a class `Config`, `CHANGEABLE` (settings that may change under way),
and functions `run(config, out, progress, resume)` and `clear(out)`, which removes old results."""

SETTINGS = "settings.yaml"
"""The file by which the folder of a study is known."""

AT_START = "settings-at-start.yaml"
"""The same as it was when the study began: what has been computed belongs to it."""


STUDY_FOLDER = FolderKind(
    what="a study",
    results=("*.html", "*.json", "*.png", "crystal-*", "hole-*"),
    others=(SETTINGS, AT_START),
    mark=LOCK,
    advice="resume it, choose another folder, or overwrite it with --force",
)


@dataclass(frozen=True)
class StudyResult:
    """What a study leaves.

    Attributes:
        page: The HTML page.
        numbers: The JSON file with all numbers behind the page.
        summary: Sentences that say what was found.
    """

    page: Path
    numbers: Path
    summary: str


def run_study(
    path: Path | str,
    out: Path | str,
    overrides: list[str],
    progress: bool = True,
    force: bool = False,
) -> StudyResult:
    """Run the study of a YAML file.

    Args:
        path: The file; its key `study` names the study.
        out: Folder for all results; made if missing.
        overrides: Changes of single settings, as "section.key=value".
        progress: Whether to show progress.
        force: Whether results in the folder are overwritten.

    Raises:
        InputError: If the file names no known study, a setting is not allowed, or the folder holds
            results and `force` is not set.
    """
    path, out = user_path(path), user_path(out)
    name = _study_of(path)
    module: Any = importlib.import_module(STUDIES[name])
    config: StrictModel = load_config(path, module.Config, overrides)
    inputs = [path]
    with suppress(InputError):  # told when it is loaded
        inputs.append(find_potential(getattr(config, "potential", "")))
    check_output_folder(out, STUDY_FOLDER, inputs, force)
    with locked(out):
        module.clear(out)  # first, lest a resumed study takes the results of another for its own
        for name in (AT_START, SETTINGS):
            write_text_whole(out / name, dump_yaml(config.model_dump(mode="json")))
        return _run(module, config, out, progress, resume=False)


def resume_study(out: Path | str, progress: bool = True) -> StudyResult:
    """Go on with a study that was stopped or killed, to the same numbers.

    Args:
        out: Its folder.
        progress: Whether to show progress.

    Raises:
        InputError: If the folder holds no study, or its settings have changed.
    """
    out = user_path(out)
    path = out / SETTINGS
    module: Any = importlib.import_module(STUDIES[_study_of(path)])
    config: StrictModel = load_stored_config(path, module.Config)
    if (out / AT_START).is_file():
        before = load_stored_config(out / AT_START, module.Config)
        _refuse_changes(path, before, config, module.CHANGEABLE)
    with locked(out):
        return _run(module, config, out, progress, resume=True)


def _refuse_changes(
    path: Path, before: StrictModel, now: StrictModel, changeable: tuple[str, ...]
) -> None:
    old, new = before.model_dump(mode="json"), now.model_dump(mode="json")
    for key, value in new.items():
        if key not in changeable and old[key] != value:
            raise InputError(
                f"{path}: {key} was {shown(old[key])} when the study began and is now "
                f"{shown(value)}; a study under way cannot change it: set it back, or begin a new "
                "study"
            )


def _run(module: Any, config: StrictModel, out: Path, progress: bool, resume: bool) -> StudyResult:
    """Run or resume a study whose settings are in its folder, from where all of it can go on."""
    how = f"limlff resume {out}"
    try:
        with resumable(out, how, SETTINGS):
            result: StudyResult = module.run(config, out, progress, resume)
    except OutOfTime as stop:
        if str(stop).endswith(how):
            raise
        raise OutOfTime(f"{stop}; the whole study goes on with: {how}") from stop
    return result


def _study_of(path: Path) -> str:
    name = read_mapping(path).get("study")
    if isinstance(name, str) and name in STUDIES:
        return name
    close = difflib.get_close_matches(str(name), list(STUDIES), n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"it must be one of {', '.join(STUDIES)}"
    raise InputError(f"{shown(path)}: key 'study' is {shown(name)!r}; {hint}")
