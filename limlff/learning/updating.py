"""Labelling what was chosen, and evaluating a potential on frames never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limlff.errors import LabellingFailed
from limlff.frames.digest import frames_digest
from limlff.frames.extxyz import write_extxyz
from limlff.frames.frame import Frame
from limlff.learning.campaign import CAMPAIGN_SET
from limlff.learning.check import known_from
from limlff.learning.choices import write_choices
from limlff.learning.cut import Cut
from limlff.learning.labels import ADVICE, LabelQueue
from limlff.learning.tasks import Task
from limlff.learning.training import read_frames
from limlff.learning.work import Work, measured
from limlff.potential import Potential
from limlff.potential_file import potential_digest
from limlff.training.evaluate import evaluate
from limlff.training.zeros import energy_offsets

LABELLED = "labelled.extxyz"


def label_chosen(
    work: Work, chosen: list[tuple[Cut, str]], known: Sequence[Frame], iteration: int
) -> list[Frame]:
    """Label what was chosen, and write it beside what could not be labelled.

    Args:
        work: The campaign.
        chosen: The structures, and why each was chosen.
        known: Frames with labels that are right, of the labeller's zero of energy.
        iteration: Number of the iteration.

    Returns:
        The labelled frames.

    Raises:
        LabellingFailed: If more of them got no label than the campaign allows.
        OutOfTime: If a signal came.
    """
    campaign = work.campaign
    queue = LabelQueue(
        campaign.labeller,
        campaign.check,
        work.ledger,
        work.folder,
        work.executors,
        work.tell,
        work.limit,
        campaign.max_failed_share,
    )
    frames = [cut.frame for cut, _ in chosen]
    batch = queue.label(frames, known_from(list(known), campaign.check))
    folder = work.folder_of(iteration)
    labelled, rejected = [label.frame for label in batch.labels], batch.rejected
    write_extxyz(labelled, folder / LABELLED)
    write_choices(chosen, batch, folder)
    if len(rejected) > campaign.max_failed_share * len(chosen):
        raise LabellingFailed(
            f"{len(rejected)} of {len(chosen)} frames got no label, max_failed_share is "
            f"{campaign.max_failed_share:g}; the first, {rejected[0].frame.origin}: "
            f"{rejected[0].reason}; {ADVICE}; or raise the share"
        )
    return labelled


def evaluate_on_test(work: Work, potential: Potential) -> dict[str, Any]:
    """Errors on the test frames of the goal; empty without such frames."""
    goal = work.campaign.goal
    if not goal.test:
        return {}
    frames = read_frames(goal.test)
    task = Task(
        "evaluate",
        {
            "potential": potential_digest(potential),
            "frames": frames_digest(frames),
            "zero": goal.test_zero,
        },
    )
    # the potential that a campaign starts from may not know its sets
    known = energy_offsets(potential)
    names = [goal.test_zero]
    if goal.test_zero == CAMPAIGN_SET:
        names.append(work.campaign.campaign_set.energy_zero)
    zero = next((name for name in names if name in known), None)
    return work.once(task, lambda: measured(lambda: evaluate(potential, frames, zero=zero)))
