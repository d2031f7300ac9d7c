"""Studies from a YAML file to results in a folder, begun or gone on with."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from limlff.atomic_file import write_text_whole
from limlff.catalog import find_potential
from limlff.config import load_stored_config
from limlff.errors import InputError, OutOfTime, shown
from limlff.folder_lock import LOCK, locked
from limlff.outputs import FolderKind, check_output_folder
from limlff.paths import user_path
from limlff.resumable import resumable
from limlff.workflows.contract import CHANGEABLE, Study, StudyResult, StudySettings
from limlff.workflows.presets import load_with_preset
from limlff.workflows.registry import find_study
from limlff.workflows.stages import folder_name
from limlff.yaml_file import dump_yaml, read_mapping

SETTINGS = "settings.yaml"
"""The file by which the folder of a study is known."""

AT_START = "settings-at-start.yaml"
"""The same as it was when the study began: what has been computed belongs to it."""


def run_study(
    path: Path | str,
    out: Path | str,
    overrides: list[str],
    progress: bool = True,
    force: bool = False,
    preset: str | None = None,
) -> StudyResult:
    """Run the study of a YAML file.

    Args:
        path: The file; its key `study` names the study.
        out: Folder for all results; made if missing.
        overrides: Changes of single settings, as "section.key=value".
        progress: Whether to show progress.
        force: Whether results in the folder are overwritten.
        preset: One of the presets of the file; its first one if left out.

    Raises:
        InputError: If the file names no known study or has no such preset, a setting is not
            allowed, or the folder holds results and `force` is not set.
    """
    path, out = user_path(path), user_path(out)
    study = _study_of(path)
    settings = load_with_preset(path, study.settings, preset, overrides)
    inputs = [path]
    with suppress(InputError):  # told when it is loaded
        inputs.append(find_potential(settings.potential))
    check_output_folder(out, _folder_kind(study), inputs, force)
    from limlff.workflows.results import clear_results

    with locked(out):
        check_output_folder(out, _folder_kind(study), inputs, force)  # nobody else writes there now
        # first, lest a resumed study takes the results of another for its own
        clear_results(study, settings.study, out)
        for name in (AT_START, SETTINGS):
            write_text_whole(out / name, dump_yaml(settings.model_dump(mode="json")))
        return _run(study, settings, out, progress, resume=False)


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
    study = _study_of(path)
    settings = load_stored_config(path, study.settings)
    if (out / AT_START).is_file():
        _refuse_changes(path, load_stored_config(out / AT_START, study.settings), settings)
    with locked(out):
        return _run(study, settings, out, progress, resume=True)


def _study_of(path: Path) -> Study[Any, Any, Any]:
    return find_study(read_mapping(path).get("study"), shown(path))


def _folder_kind(study: Study[Any, Any, Any]) -> FolderKind:
    runs = (folder_name(stage, "*") for stage in study.stages)
    return FolderKind(
        what="a study",
        results=("*.html", "*.json", "*.png", *runs),
        others=(SETTINGS, AT_START),
        mark=LOCK,
        advice="resume it, choose another folder, or overwrite it with --force",
    )


def _refuse_changes(path: Path, before: StudySettings, now: StudySettings) -> None:
    old, new = before.model_dump(mode="json"), now.model_dump(mode="json")
    for key, value in new.items():
        if key not in CHANGEABLE and old[key] != value:
            raise InputError(
                f"{path}: {key} was {shown(old[key])} when the study began and is now "
                f"{shown(value)}; a study under way cannot change it: set it back, or begin a new "
                "study"
            )


def _run(
    study: Study[Any, Any, Any], settings: StudySettings, out: Path, progress: bool, resume: bool
) -> StudyResult:
    """Run or resume a study whose settings are in its folder, from where all of it can go on."""
    from limlff.workflows.results import compute_study  # takes a while to import

    how = f"limlff resume {out}"
    try:
        with resumable(out, how, SETTINGS):
            return compute_study(study, settings, out, progress, resume)
    except OutOfTime as stop:
        if str(stop).endswith(how):
            raise
        raise OutOfTime(f"{stop}; the whole study goes on with: {how}") from stop
