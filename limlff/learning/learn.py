"""The loop of active learning: explore, cut out, select, label, check, train, evaluate, decide.

The loop keeps no state of its own. Started again it goes through the same tasks from the first on,
takes what is done from the ledger, and so comes to where it was.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limlff.atomic_file import replaced_when_whole, write_text_whole
from limlff.catalog import find_potential
from limlff.config import config_of
from limlff.folder_lock import locked
from limlff.frames.frame import Frame
from limlff.frames.read import read_source
from limlff.learning.campaign import Campaign
from limlff.learning.campaign_folder import (
    CURVE,
    FOLDER,
    LEDGER,
    POTENTIAL,
    SETTINGS,
    clear_campaign,
    read_settings,
    refuse_to_remove,
    row_in_words,
    write_settings,
)
from limlff.learning.choices import read_choices
from limlff.learning.choosing import choose, explore_all
from limlff.learning.decision import Standing, nothing_to_label, reached_goal, spent_budget
from limlff.learning.executors import open_executors
from limlff.learning.inputs import check_inputs_stay, files_of, keep_inputs, read_inputs
from limlff.learning.ledger import open_ledger
from limlff.learning.page import PAGE, write_page
from limlff.learning.time_limit import TimeLimit, left_at
from limlff.learning.training import Base, train_anew
from limlff.learning.updating import LABELLED, evaluate_on_test, label_chosen
from limlff.learning.work import Work
from limlff.outputs import check_output_folder
from limlff.paths import user_path
from limlff.potential import Potential
from limlff.potential_file import load_potential
from limlff.precision import own_precision
from limlff.resumable import checked_runtime, resumable


@dataclass(frozen=True)
class LearnResult:
    """What a campaign leaves.

    Attributes:
        folder: Its folder.
        potential: File of the last potential.
        page: The HTML page.
        reason: Why it ended.
        frames: Frames that it has labelled.
        curve: A row for each potential: frames, errors, share of uncertain frames, cost; also in
            learning-curve.json.
    """

    folder: Path
    potential: Path
    page: Path
    reason: str
    frames: int
    curve: list[dict[str, Any]]


def learn(
    campaign: Campaign | dict[str, Any] | str | Path,
    out: Path | str,
    overrides: tuple[str, ...] = (),
    *,
    progress: bool = True,
    force: bool = False,
    max_runtime_seconds: float | None = None,
) -> LearnResult:
    """Begin a campaign of active learning, as `limlff learn` does.

    Args:
        campaign: Path of its YAML file, the content of one, or a `Campaign`.
        out: Folder for all that it makes; made if missing.
        overrides: Changes of single settings, as "select.frames=10".
        progress: Whether to say what happens.
        force: Whether a campaign in the folder is removed first, its labels included.
        max_runtime_seconds: Time on the clock after which the campaign is left, to be resumed (s).

    Raises:
        InputError: If settings, recipe or data cannot be used, or the folder holds a campaign.
        LabellingFailed: If the labeller cannot be used, or too many frames got no label.
        OutOfTime: If a signal came or the time is over; `resume_learning` goes on.
    """
    limit = TimeLimit.from_now(checked_runtime(max_runtime_seconds))
    settings = config_of(campaign, Campaign, overrides)
    folder = user_path(out)
    own = [user_path(campaign)] if isinstance(campaign, str | Path) else []
    check_output_folder(folder, FOLDER, [*own, *files_of(settings)], force)
    # before anything of an old campaign is removed
    base = read_inputs(settings)
    files = [*own, *files_of(settings, base)]
    with locked(folder):
        check_output_folder(folder, FOLDER, files, force)  # nobody else writes there now
        refuse_to_remove(folder, files)
        clear_campaign(folder)
        keep_inputs(settings, base, folder)
        write_settings(settings, folder)  # by which the folder is known: the last
        return _go_on(settings, base, folder, progress, limit)


def resume_learning(
    out: Path | str, progress: bool = True, *, max_runtime_seconds: float | None = None
) -> LearnResult:
    """Go on with a campaign that was stopped or killed, to the same end.

    Args:
        out: Its folder. Budget, goal and limits of the labeller may have been changed in its
            campaign.yaml.
        progress: Whether to say what happens.
        max_runtime_seconds: Time on the clock after which it is left again (s).

    Raises:
        InputError: If it holds no campaign, or settings have changed that may not.
        LabellingFailed: If the labeller cannot be used, or too many frames got no label.
        OutOfTime: If a signal came or the time is over.
    """
    limit = TimeLimit.from_now(checked_runtime(max_runtime_seconds))
    folder = user_path(out)
    settings = read_settings(folder)
    base = read_inputs(settings)
    with locked(folder):
        check_inputs_stay(settings, base, folder)
        return _go_on(settings, base, folder, progress, limit)


@own_precision()
def _go_on(
    campaign: Campaign, base: Base, folder: Path, progress: bool, limit: TimeLimit
) -> LearnResult:
    def tell(text: str) -> None:
        if progress:
            print(text, flush=True)

    folder = folder.absolute()  # for workers, which have other working folders
    with (
        resumable(folder, f"limlff resume {folder}", SETTINGS),
        left_at(limit, folder),
        open_ledger(folder / LEDGER) as ledger,
        open_executors(campaign, folder, limit) as executors,
    ):
        for record in ledger.take_up_again():
            tell(f"taken up again: {record.task.kind} {record.task.key[:12]}")
        work = Work(campaign, folder, ledger, executors, tell, limit)
        return _Loop(work, base, progress).run()


class _Loop:
    """The iterations of a campaign, from the first on."""

    def __init__(self, work: Work, base: Base, progress: bool) -> None:
        self._work, self._base, self._progress = work, base, progress
        self._files: list[Path] = []
        self._frames: list[Frame] = []
        self._curve: list[dict[str, Any]] = []

    def run(self) -> LearnResult:
        """Iterate until the goal is reached, the budget is spent, or nothing is new."""
        work, base = self._work, self._base
        potential, file = self._first_potential()
        iteration, reason = 0, None
        while reason is None:
            iteration += 1
            reason = self._find_and_label(potential, file, iteration)
            if reason is None:
                potential, file = train_anew(work, base, self._files, file, self._progress)
        self._write_page(potential)
        with replaced_when_whole(work.folder / POTENTIAL) as temporary:
            shutil.copyfile(file, temporary)
        work.tell(f"{reason}; {len(self._frames)} frames are labelled")
        file, page = work.folder / POTENTIAL, work.folder / PAGE
        return LearnResult(work.folder, file, page, reason, len(self._frames), self._curve)

    def _write_page(self, potential: Potential) -> None:
        work = self._work
        iterations = range(1, len(self._files) + 1)
        chosen = {number: read_choices(work.folder_of(number)) for number in iterations}
        write_page(work.folder, work.campaign, self._curve, chosen, potential)

    def _first_potential(self) -> tuple[Potential, Path]:
        """The potential of the first exploration, trained if none is given."""
        name = self._work.campaign.potential
        if name is not None:
            file = find_potential(name)
            return load_potential(file), file
        return train_anew(self._work, self._base, [], None, self._progress)

    def _find_and_label(self, potential: Potential, file: Path, iteration: int) -> str | None:
        """Label what a potential does not know; why there is no more to do, if so."""
        work, campaign, base = self._work, self._work.campaign, self._base
        errors = evaluate_on_test(work, potential)
        frames = len(self._frames)
        trained = ("train", iteration - (campaign.potential is not None))
        standing = Standing(iteration, frames, work.ledger.cost(None, trained), errors, None)
        reason = spent_budget(campaign.budget, standing)
        if reason is not None:
            self._note(standing, [], trained)
            return reason
        self._note(standing, [], trained)
        if self._files:
            self._write_page(potential)
        known = [*base.frames, *self._frames]
        explored = explore_all(work, potential, file, known, iteration)
        ran = ("explore", iteration * explored.runs)
        cost, share = work.ledger.cost(None, ran), explored.uncertain_share
        standing = Standing(iteration, frames, cost, errors, share)
        self._note(standing, explored.stops, ran)
        reason = reached_goal(campaign.goal, standing)
        if reason is not None:
            return reason
        most = campaign.select.frames
        if campaign.budget.frames is not None:
            most = min(most, campaign.budget.frames - frames)
        chosen = choose(work, potential, explored, known, most, iteration)
        if not chosen:
            most, cuts = campaign.labeller.max_atoms, len(explored.cuts)
            return nothing_to_label(explored.uncertain, cuts, most, iteration)
        for cut, why in chosen:
            work.tell(f"chosen: {cut.frame.group}, {cut.frame.origin}: {why}")
        alike = [*base.alike(campaign.campaign_set.energy_zero), *self._frames]
        label_chosen(work, chosen, alike, iteration)
        self._files.append(work.folder_of(iteration) / LABELLED)
        self._frames += read_source(self._files[-1]).frames
        return None

    def _note(self, standing: Standing, stops: list[str], through: tuple[str, int]) -> None:
        """Add a row to the learning curve: what the potential is worth, and what it took.

        A potential has its row before it has explored, and another in its place after that.
        A campaign that is resumed writes its rows anew: `through` says which tasks count.
        """
        cost = self._work.ledger.cost
        row = {
            "iteration": standing.iteration,
            "frames": standing.frames,
            "uncertain_share": standing.uncertain_share,
            "stops": stops,
            "errors": standing.errors,
            "core_hours": {
                kind: cost(kind, through).core_seconds / 3600
                for kind in ("explore", "label", "train")
            },
        }
        self._curve[standing.iteration - 1 :] = [row]
        text = json.dumps(self._curve, indent=1, ensure_ascii=False)
        write_text_whole(self._work.folder / CURVE, text + "\n")
        self._work.tell(row_in_words(row))
