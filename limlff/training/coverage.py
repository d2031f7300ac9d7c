"""Whether a training has something to learn from, for every element and in sum."""

from __future__ import annotations

from limlff.errors import InputError
from limlff.training.labelled_frame import LabelledFrame, label_weights, species_of_frame
from limlff.training.loss_settings import LossSettings


def check_elements_are_trained(
    train: list[LabelledFrame], held_back: list[LabelledFrame], elements: tuple[str, ...]
) -> None:
    """Refuse elements that no frame with a label of some weight holds.

    The model would keep random parameters for them, and its ensemble no spread.

    Args:
        train: Frames to train on.
        held_back: Frames that are not trained on.
        elements: Chemical symbols of the potential.

    Raises:
        InputError: If there is one.
    """
    trained = _elements_in([item for item in train if any(label_weights(item))], elements)
    missing = [element for element in elements if element not in trained]
    if not missing:
        return
    names = ", ".join(missing)
    where = "no frame to train on holds it with a label of some weight"
    if set(missing) & _elements_in(held_back, elements):
        where += ", only frames held back do"
    raise InputError(
        f"elements: {names}: {where}; take {names} out of elements, or add frames to train on"
    )


def check_loss_has_labels(train: list[LabelledFrame], loss: LossSettings) -> None:
    """Refuse weights of which each is 0 in the loss or on every frame.

    Raises:
        InputError: If there is nothing left to train on.
    """
    totals = [sum(values) for values in zip(*map(label_weights, train), strict=True)]
    per_label = (totals[0], totals[1], totals[2] + totals[3])
    schedules = (loss.energy, loss.force, loss.stress)
    if not any(
        total > 0 and max(schedule.start, schedule.final) > 0
        for total, schedule in zip(per_label, schedules, strict=True)
    ):
        raise InputError(
            "loss: the labels that it weighs are on no frame to train on; give another label a "
            "weight"
        )


def _elements_in(labelled: list[LabelledFrame], elements: tuple[str, ...]) -> set[str]:
    return {
        elements[species]
        for item in labelled
        for species in set(species_of_frame(item.frame, elements).tolist())
    }
