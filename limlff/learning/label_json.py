"""Labels of a frame in values that JSON can hold, as the ledger keeps them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from limlff.frames.frame import Frame
from limlff.learning.labelling import Label
from limlff.learning.tasks import Cost


def label_to_json(label: Label) -> dict[str, Any]:
    """A label without its structure, in values that JSON can hold."""
    frame = label.frame
    assert frame.forces is not None
    return {
        "energy": frame.energy,
        "forces": frame.forces.tolist(),
        "stress": None if frame.stress is None else frame.stress.tolist(),
        "energy_sigma0": label.energy_sigma0,
        "scf_steps": label.scf_steps,
        "settings": label.settings,
        "code": label.code,
    }


def label_from_json(frame: Frame, content: dict[str, Any], cost: Cost) -> Label:
    """A label of a structure, from what `label_to_json` gave."""
    stress = content["stress"]
    labelled = replace(
        frame,
        energy=content["energy"],
        forces=np.array(content["forces"], float).reshape(-1, 3),
        stress=None if stress is None else np.array(stress, float),
    )
    return Label(
        labelled,
        content["settings"],
        content["code"],
        cost,
        content["energy_sigma0"],
        content["scf_steps"],
    )
