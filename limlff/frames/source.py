"""What a reader hands back: frames, the keys that held their labels, and remarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from limlff.frames.frame import Frame


@dataclass
class FrameSource:
    """Frames of one file or folder, and how its labels were understood.

    Attributes:
        name: File or folder, as given.
        frames: The frames in the order of the file.
        label_keys: For "energy", "forces" and "stress" the number of frames per key.
        remarks: What a user should know, as sentences, with the number of frames concerned.
    """

    name: str
    frames: Sequence[Frame] = field(default_factory=list)
    label_keys: dict[str, dict[str, int]] = field(default_factory=dict)
    remarks: dict[str, int] = field(default_factory=dict)

    def remark(self, text: str) -> None:
        """Count one more frame to which a remark applies."""
        self.remarks[text] = self.remarks.get(text, 0) + 1

    def count_keys(self, energy: str | None, forces: str | None, stress: str | None) -> None:
        """Count the keys that held the labels of one frame; None where a label is missing."""
        for label, key in (("energy", energy), ("forces", forces), ("stress", stress)):
            if key is not None:
                of_label = self.label_keys.setdefault(label, {})
                of_label[key] = of_label.get(key, 0) + 1


STRESS_WITHOUT_PERIODICITY = "stress dropped: the cell is not periodic in three directions"


def has_stress_meaning(periodic: np.ndarray) -> bool:
    """Whether a stress of the cell has a meaning: only where it is filled along all directions."""
    return bool(np.all(periodic))
