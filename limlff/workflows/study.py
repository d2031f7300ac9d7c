"""Studies by name: what each is called in its YAML file, and where its code lies."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limlff.config import StrictModel, load_config
from limlff.errors import InputError, shown
from limlff.paths import user_path
from limlff.yaml_file import dump_yaml, read_mapping

STUDIES = {"healing": "limlff.workflows.healing"}
"""Module of each study, with a class `Config` and a function
`run(config, out, progress, resume)`."""

SETTINGS = "settings.yaml"
"""The file by which the folder of a study is known."""


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
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder with --out")
    # A start that failed leaves its settings only, and may be repeated.
    if out.is_dir() and any(file.name != SETTINGS for file in out.iterdir()) and not force:
        raise InputError(f"{out}: holds files already; name another folder or add --force")
    out.mkdir(parents=True, exist_ok=True)
    settings = dump_yaml(config.model_dump(mode="json"))
    (out / SETTINGS).write_text(settings, encoding="utf-8")
    result: StudyResult = module.run(config, out, progress)
    return result


def resume_study(out: Path | str, progress: bool = True) -> StudyResult:
    """Go on with a study that was stopped or killed, to the same numbers.

    Args:
        out: Its folder.
        progress: Whether to show progress.

    Raises:
        InputError: If the folder holds no study.
    """
    out = user_path(out)
    path = out / SETTINGS
    module: Any = importlib.import_module(STUDIES[_study_of(path)])
    config: StrictModel = load_config(path, module.Config)
    result: StudyResult = module.run(config, out, progress, resume=True)
    return result


def _study_of(path: Path) -> str:
    name = read_mapping(path).get("study")
    if isinstance(name, str) and name in STUDIES:
        return name
    close = difflib.get_close_matches(str(name), list(STUDIES), n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"it must be one of {', '.join(STUDIES)}"
    raise InputError(f"{shown(path)}: key 'study' is {shown(name)!r}; {hint}")
