"""A study from its settings to its results: simulate, write the numbers, then the page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from limlff.atomic_file import write_text_whole
from limlff.catalog import find_potential
from limlff.errors import InputError, LimlffError, OutOfTime
from limlff.md.output.run_folder import claim_folder
from limlff.potential import Potential
from limlff.potential_file import load_potential, potential_digest
from limlff.report.page import versions, write_report
from limlff.workflows.as_json import as_json
from limlff.workflows.contract import Outcome, Run, Settings, Study, StudyResult
from limlff.workflows.provenance import provenance_of
from limlff.workflows.runs import progress_of, simulate_all, teller
from limlff.workflows.stages import folder_name
from limlff.yaml_file import dump_yaml

PAGE = "index.html"


def compute_study(
    study: Study[Settings, Run, Outcome],
    settings: Settings,
    out: Path,
    progress: bool = True,
    resume: bool = False,
) -> StudyResult:
    """Compute a study.

    Args:
        study: The study.
        settings: Its settings.
        out: Folder of all results.
        progress: Whether to print how the runs get on.
        resume: Whether to go on with the runs in the folder.

    Returns:
        The page, the numbers and a summary.

    Raises:
        InputError: If the potential does not know an element.
        GuardStop: If a run left what can be trusted.
        OutOfTime: If not even a start could be made in the time allowed, or the page cannot be
            written; the numbers are there then.
    """
    begin = time.monotonic()
    potential_file = find_potential(settings.potential)
    potential = load_potential(potential_file)
    _check_elements(study.elements(settings), potential, settings.potential)
    # Resolved here, so that a relative path means the same in every process.
    settings = settings.model_copy(update={"potential": str(potential_file.resolve())})
    with progress_of(study, settings, progress) as shown:
        if progress and (words := study.forecast(settings, study.runs(settings))):
            shown.say(words)
        outcomes = simulate_all(study, settings, out, teller(shown), resume)
    summary = study.summarize(settings, outcomes)
    content = {
        "summary": summary,
        "wall_minutes": round((time.monotonic() - begin) / 60, 2),
        "versions": versions(),
        "potential_digest": potential_digest(potential),
        **_numbers_of(study, settings, outcomes),
    }
    numbers = out / numbers_name(settings.study)
    write_text_whole(numbers, json.dumps(as_json(content), indent=1, allow_nan=False) + "\n")
    with _page_after(numbers, out):
        page = _write_page(study, settings, outcomes, potential, out)
    return StudyResult(page, numbers, summary)


def _numbers_of(
    study: Study[Settings, Run, Outcome], settings: Settings, outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    """Settings, what is said of all runs together, and the numbers of each."""
    return {
        "settings": settings.model_dump(mode="json"),
        **study.findings(settings, outcomes),
        "runs": [
            {"name": name, **study.numbers(outcome)}
            for name, outcome in zip(study.runs(settings), outcomes, strict=True)
        ],
    }


def _check_elements(elements: Sequence[str], potential: Potential, name: str) -> None:
    for element in elements:
        if element not in potential.elements:
            raise InputError(
                f"element is {element}, but the potential {name} knows only "
                f"{', '.join(potential.elements)}"
            )


@contextmanager
def _page_after(numbers: Path, out: Path) -> Iterator[None]:
    """Say of whatever goes wrong in the block that the numbers are there."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split()) or "no reason given"
        kind = OutOfTime if isinstance(error, OSError) else LimlffError
        raise kind(
            f"{numbers}: holds all numbers, but the page could not be made "
            f"({type(error).__name__}: {reason}); make it once more with: limlff resume {out}"
        ) from error


def _write_page(
    study: Study[Settings, Run, Outcome],
    settings: Settings,
    outcomes: Sequence[Outcome],
    potential: Potential,
    out: Path,
) -> Path:
    report = replace(
        study.report(settings, outcomes, out),
        summary=study.summarize(settings, outcomes),
        settings=dump_yaml(settings.model_dump(mode="json")),
        provenance=provenance_of(potential, Path(settings.potential).name),
    )
    return write_report(out / PAGE, report)


def numbers_name(study: str) -> str:
    """Name of the file with the numbers of a study."""
    return f"{study}.json"


def clear_results(study: Study[Settings, Run, Outcome], name: str, out: Path) -> None:
    """Remove what an earlier study has left in a folder.

    Args:
        study: The study that is to begin.
        name: Its name.
        out: The folder.

    Raises:
        InputError: If it cannot be removed.
    """
    for stage in study.stages:
        for folder in out.glob(folder_name(stage, "*")):
            if folder.is_dir():
                claim_folder(folder, force=True)
    for file in (numbers_name(name), PAGE):
        (out / file).unlink(missing_ok=True)
