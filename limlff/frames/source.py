"""Result of a reader: frames, the keys that held their labels, and remarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from limlff.frames.frame import Frame

_SHOWN = 5  # frames that a remark names


@dataclass
class FrameSource:
    """Frames of one file or folder, and how its labels were understood.

    Attributes:
        name: File or folder, as given.
        frames: The frames in the order of the file.
        label_keys: For "energy", "forces" and "stress" the number of frames per key.
        remarks: Remarks for the user, as sentences, with the number of frames they concern.
        concerned: For each remark the first frames that it concerns, by file and number.
        left_out: Number of frames of the file that are not among `frames`.
    """

    name: str
    frames: Sequence[Frame] = field(default_factory=list)
    label_keys: dict[str, dict[str, int]] = field(default_factory=dict)
    remarks: dict[str, int] = field(default_factory=dict)
    concerned: dict[str, list[str]] = field(default_factory=dict)
    left_out: int = 0
    _of_labels: set[str] = field(default_factory=set)

    def remark(self, text: str, origin: str = "", of_labels: bool = False) -> None:
        """Count one more frame to which a remark applies.

        Args:
            text: The remark.
            origin: File and number of the frame.
            of_labels: Whether it is of no interest to who replaces the labels.
        """
        if of_labels:
            self._of_labels.add(text)
        self.remarks[text] = self.remarks.get(text, 0) + 1
        named = self.concerned.setdefault(text, [])
        if origin and len(named) < _SHOWN:
            named.append(origin)

    def leave_out(self, origin: str, reason: str) -> None:
        """Note that a frame of the file is not taken, and why."""
        self.left_out += 1
        self.remark(f"left out: {reason}", origin)

    def sentences(self, of_labels: bool = True) -> list[str]:
        """The remarks, each with the number of its frames and the first of them.

        Args:
            of_labels: Whether to tell those that are of interest only to who uses the labels.
        """
        return [
            self._sentence(text, count)
            for text, count in self.remarks.items()
            if of_labels or text not in self._of_labels
        ]

    def _sentence(self, text: str, count: int) -> str:
        named = self.concerned.get(text, [])
        places = ", ".join(
            # the file is named once, further frames of it by their number
            origin if index == 0 else origin.rpartition("frame ")[2]
            for index, origin in enumerate(named)
        )
        more = ", ..." if count > len(named) > 0 else ""
        frames = f"{count} frame{'s' if count > 1 else ''}"
        return f"{text} ({frames}{': ' + places + more if places else ''})"

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
