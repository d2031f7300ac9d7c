"""The frames of a recipe: read, checked, selected, weighted, and split."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from limlff.errors import InputError
from limlff.frames.checks import check_frames
from limlff.frames.digest import frames_digest
from limlff.frames.frame import Frame
from limlff.frames.locate import locate_data
from limlff.frames.read import read_source
from limlff.frames.split import split_frames
from limlff.training.data_settings import DataSet, LabelWeights
from limlff.training.doubts import (
    Doubts,
    leave_out_repeats,
    leave_out_trained_elsewhere,
    stress_weights,
)
from limlff.training.labelled_frame import LabelledFrame, label_weights
from limlff.training.recipe import Recipe
from limlff.training.selection import is_in_group, select_frames

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingData:
    """Frames to train on, frames held back, and what the card says of them.

    Attributes:
        train: Frames to train on.
        validation: Frames held back.
        summaries: Per set its name, files, digest, numbers of frames, and what of its stresses is
            fitted, for JSON.
        remarks: What a user should know of the frames, as sentences.
    """

    train: list[LabelledFrame]
    validation: list[LabelledFrame]
    summaries: list[dict[str, Any]]
    remarks: list[str] = field(default_factory=list)


def load_training_data(recipe: Recipe, base: Path) -> TrainingData:
    """Read all sets of a recipe.

    Args:
        recipe: The recipe.
        base: Folder of the recipe, where its files are looked for first.

    Raises:
        InputError: If a file is missing, a frame cannot be trained on, or a set is empty.
    """
    zeros: dict[str, int] = {}
    sets = []
    for data_set in recipe.data:
        zero = zeros.get(data_set.energy_zero or "", len(set(zeros.values())))
        zeros[data_set.name] = zero
        sets.append(_load_set(data_set, recipe, base, zero))
    train = [item for each in sets for item in each.train]
    validation = [item for each in sets for item in each.validation]
    summaries = [summary for each in sets for summary in each.summaries]
    remarks = [text for each in sets for text in each.remarks]
    if len(sets) > 1:
        validation, repeats = leave_out_trained_elsewhere(train, validation)
        remarks += repeats
        _count_held_back(summaries, validation)
    _check_labels_are_used(recipe, train)
    return TrainingData(train, validation, summaries, remarks)


def _load_set(data_set: DataSet, recipe: Recipe, base: Path, zero: int) -> TrainingData:
    """The frames of one set, whose zero of energy has this index."""
    doubts = Doubts(data_set.name)
    frames = _frames_of_set(data_set, base, doubts)
    validation_files = recipe.validation.files.get(data_set.name)
    if validation_files:
        kept, held_back = frames, _read_files(validation_files, base, doubts)
        _check_none_is_trained_on(held_back, kept)
    else:
        kept, held_back = split_frames(frames, recipe.validation.fraction, recipe.seed)
    held_back = leave_out_repeats(kept, held_back, doubts)
    stress = stress_weights(data_set, doubts)
    summary = {
        "name": data_set.name,
        **_summary(data_set.files, frames),
        "frames_held_back": 0 if validation_files else len(held_back),
        "energy_zero": data_set.energy_zero or data_set.name,
        "stress_fitted": doubts.stress_fitted,
    }
    if validation_files:
        summary["validation"] = _summary(validation_files, held_back)
    train, validation = (
        [_with_weights(frame, data_set, zero, stress) for frame in part]
        for part in (kept, held_back)
    )
    return TrainingData(train, validation, [summary], doubts.sentences)


def _count_held_back(summaries: list[dict[str, Any]], validation: list[LabelledFrame]) -> None:
    """Correct the numbers of frames that are validated on, of sets that hold a share back."""
    for summary in summaries:
        if "validation" not in summary:
            names = [item.set_name for item in validation]
            summary["frames_held_back"] = names.count(summary["name"])


def _read_files(names: list[str], base: Path, doubts: Doubts) -> list[Frame]:
    frames: list[Frame] = []
    for name in names:
        source = read_source(locate_data(name, base))
        check_frames(source.frames)
        doubts.note_file(name, source)
        frames += source.frames
    return frames


def _summary(names: list[str], frames: list[Frame]) -> dict[str, Any]:
    return {
        "files": names,
        "sha256": frames_digest(frames),
        "frames": len(frames),
        "atoms": sum(len(frame) for frame in frames),
    }


def _check_none_is_trained_on(validation: list[Frame], train: list[Frame]) -> None:
    def structure(frame: Frame) -> tuple[bytes, ...]:
        return tuple(a.tobytes() for a in (frame.numbers, frame.cell, frame.positions))

    trained = {structure(frame) for frame in train}
    for frame in validation:
        if structure(frame) in trained:
            raise InputError(
                f"{frame.origin}: a frame of validation.files is among those trained on; "
                "leave it out of one of them"
            )


def _frames_of_set(data_set: DataSet, base: Path, doubts: Doubts) -> list[Frame]:
    frames = _read_files(data_set.files, base, doubts)
    named = {*data_set.groups, *(data_set.select.groups or []), *data_set.select.exclude_groups}
    one_of_each = {frame.group: frame for frame in frames}
    for name in sorted(named):
        if not any(is_in_group(frame, name) for frame in one_of_each.values()):
            known = ", ".join(sorted(one_of_each)) or "no groups"
            raise InputError(f"set {data_set.name!r} has no group {name!r}; it has {known}")
    selected = select_frames(frames, data_set.select)
    if not selected:
        raise InputError(
            f"set {data_set.name!r}: none of its {len(frames)} frames is left by the selection; "
            "widen its limits"
        )
    return selected


def _with_weights(
    frame: Frame, data_set: DataSet, zero: int, stress: LabelWeights
) -> LabelledFrame:
    weights = data_set.weights.times(stress)
    for name, factors in data_set.groups.items():
        if is_in_group(frame, name):
            weights = weights.times(factors)
    return LabelledFrame(frame, data_set.name, zero, weights)


def _check_labels_are_used(recipe: Recipe, train: list[LabelledFrame]) -> None:
    """Refuse data that leave nothing to train on; warn of a kind of label that is nowhere."""
    if not train:
        raise InputError(
            f"validation.fraction is {recipe.validation.fraction}, which leaves no frame to train "
            "on; lower it, or add frames"
        )
    totals = np.sum([label_weights(item) for item in train], axis=0)
    if totals[0] == 0 and totals[1] == 0:
        raise InputError(
            "no frame has an energy or a force with a weight above 0; raise the weights"
        )
    asked = {"energy": recipe.loss.energy, "force": recipe.loss.force, "stress": recipe.loss.stress}
    for (name, schedule), total in zip(
        asked.items(), (totals[0], totals[1], totals[2] + totals[3]), strict=True
    ):
        if total == 0 and max(schedule.start, schedule.final) > 0:
            logger.warning("no frame has a %s to train on; its weight has no effect", name)
