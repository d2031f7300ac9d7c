"""Frames labelled by a potential: how a slow model teaches a fast one (distillation)."""

from __future__ import annotations

from dataclasses import replace

from limlff.frames.frame import Frame
from limlff.potential import Potential
from limlff.training.frame_predictions import predict_frames


def label_frames(potential: Potential, frames: list[Frame]) -> list[Frame]:
    """The frames with the potential's energies, forces and stresses in place of their labels.

    Stresses are left out where a direction is not periodic, because the volume is arbitrary there.

    Args:
        potential: The teacher.
        frames: Frames with or without labels.

    Raises:
        InputError: If a frame holds an element that the potential does not know.
    """
    return [
        replace(
            frame,
            energy=prediction.energy,
            forces=prediction.forces,
            stress=prediction.stress if frame.periodic.all() else None,
        )
        for frame, prediction in zip(frames, predict_frames(potential, frames), strict=True)
    ]
