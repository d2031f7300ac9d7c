"""The whole healing study: simulate, draw, and write numbers and page."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from limlff.atomic_file import write_text_whole
from limlff.catalog import find_potential
from limlff.errors import InputError, LimlffError, OutOfTime
from limlff.md.output.run_folder import claim_folder
from limlff.potential import Potential
from limlff.potential_file import load_potential, potential_digest
from limlff.progress import Progress
from limlff.report.page import versions, write_report
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.figures import draw_figures
from limlff.workflows.healing.narrative import build_report, summarize
from limlff.workflows.healing.simulate import Outcome, simulate_all
from limlff.workflows.study import StudyResult
from limlff.yaml_file import dump_yaml

NUMBERS = "healing.json"
PAGE = "index.html"


def run(
    config: HealingConfig, out: Path, progress: bool = True, resume: bool = False
) -> StudyResult:
    """Run the study.

    Args:
        config: The study.
        out: Folder of all results.
        progress: Whether to print how the runs get on.
        resume: Whether to go on with the runs in the folder.

    Returns:
        The page, the numbers and a summary.

    Raises:
        InputError: If the potential does not know the element.
        GuardStop: If a run left what can be trusted.
        OutOfTime: If not even a start could be made in the time allowed, or the page cannot be
            written; the numbers are there then.
    """
    begin = time.monotonic()
    potential_file = find_potential(config.potential)
    potential = load_potential(potential_file)
    if config.element not in potential.elements:
        raise InputError(
            f"element is {config.element}, but the potential {config.potential} knows only "
            f"{', '.join(potential.elements)}"
        )
    # Resolved here, so that a relative path means the same in every process.
    config = config.model_copy(update={"potential": str(potential_file.resolve())})
    with progress_of(config, progress) as shown:
        outcomes = simulate_all(config, out, teller(shown), resume)
    summary = summarize(config, outcomes)
    numbers = _write_numbers(config, out, outcomes, potential, summary, time.monotonic() - begin)
    try:
        figures = draw_figures(config, outcomes, out)
        settings = dump_yaml(config.model_dump(mode="json"))
        report = build_report(config, outcomes, figures, potential, settings, out)
        page = write_report(out / PAGE, report)
    except Exception as error:
        reason = " ".join(str(error).split()) or "no reason given"
        kind = OutOfTime if isinstance(error, OSError) else LimlffError
        raise kind(
            f"{numbers}: holds all numbers, but the page could not be made "
            f"({type(error).__name__}: {reason}); make it once more with: limlff resume {out}"
        ) from error
    return StudyResult(page, numbers, summary)


def clear(out: Path) -> None:
    """Remove what an earlier study has left in a folder.

    Raises:
        InputError: If it cannot be removed.
    """
    for kind in ("crystal", "hole"):
        for folder in out.glob(f"{kind}-*-GPa"):
            claim_folder(folder, force=True)
    for name in (NUMBERS, PAGE):
        (out / name).unlink(missing_ok=True)


def _write_numbers(
    config: HealingConfig,
    out: Path,
    outcomes: list[Outcome],
    potential: Potential,
    summary: str,
    seconds: float,
) -> Path:
    """Write all numbers of a study to JSON, which knows no nan: what is not known becomes null."""
    content = {
        "summary": summary,
        "wall_minutes": round(seconds / 60, 2),
        "versions": versions(),
        "potential_digest": potential_digest(potential),
        "settings": config.model_dump(mode="json"),
        "runs": [_numbers(outcome) for outcome in outcomes],
    }
    path = out / NUMBERS
    write_text_whole(path, json.dumps(_without_nan(content), indent=1, allow_nan=False) + "\n")
    return path


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def progress_of(config: HealingConfig, shown: bool) -> Progress:
    """Progress of all runs together, in ps."""
    before = config.reference.equilibration_ps + config.reference.duration_ps
    whole = len(config.pressures_gpa) * (before + config.dynamics.duration_ps)
    return Progress(math.ceil(whole), units="ps", shown=shown)


def teller(shown: Progress) -> Callable[[str, float, float], None]:
    """Takes the news of single runs, and shows how far all are and how each is."""
    done: dict[str, float] = {}
    states: dict[str, str] = {}

    def tell(name: str, time_ps: float, missing: float) -> None:
        done[name] = time_ps
        what = "perfect crystal" if math.isnan(missing) else f"{missing:.1f} atoms missing"
        states[name.partition("-")[2]] = f"{name} {time_ps:.1f} ps, {what}"
        shown.advance_to(int(sum(done.values())), lambda: "; ".join(states.values()))

    return tell


def _numbers(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "pressure_gpa": outcome.pressure_gpa,
        "atoms": outcome.atoms,
        "removed_atoms": outcome.hole.missing_atoms,
        "hole_radius_angstrom": outcome.hole.radius,
        "closed_at_ps": outcome.closed_at_ps,
        "ended": outcome.ended,
        "microseconds_per_atom_step": outcome.speed,
        "perfect_crystal": asdict(outcome.crystal)
        | {"lattice_constant": outcome.crystal.lattice_constant},
        "series": outcome.series.to_json(),
    }
