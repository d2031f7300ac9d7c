"""What speaks against the frames of a set, and what of them is therefore not trained on.

Training heeds what `limlff data check` warns of: stresses that contradict the energies are not
fitted unless the recipe asks for it, and frames to validate on are none that are trained on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from limlff.frames.duplicates import find_duplicates, have_different_labels
from limlff.frames.frame import Frame
from limlff.frames.report import label_warnings
from limlff.frames.source import FrameSource
from limlff.frames.stress_sign import UsablePart, judge_stress_sign
from limlff.training.data_settings import DataSet, LabelWeights
from limlff.training.labelled_frame import LabelledFrame

_WORST_FIRST: tuple[UsablePart, ...] = ("none", "shear", "all")


@dataclass
class Doubts:
    """What is found out of one set of a recipe while it is read.

    Attributes:
        name: The set.
        sentences: What a user should know.
        usable: What of the stresses of all its files fits the energies.
        stress_fitted: What of them is fitted.
    """

    name: str
    sentences: list[str] = field(default_factory=list)
    usable: UsablePart = "all"
    stress_fitted: UsablePart = "all"

    def note(self, text: str) -> None:
        """Add a sentence."""
        self.sentences.append(f"set {self.name!r}: {text}")

    def note_file(self, name: str, source: FrameSource) -> None:
        """Add what the reader of a file remarked, and what its labels say of themselves."""
        for text in [*source.sentences(), *label_warnings(source.frames)]:
            self.note(f"{name}: {text}")
        of_file = judge_stress_sign(source.frames).usable
        self.usable = min(self.usable, of_file, key=_WORST_FIRST.index)


def stress_weights(data_set: DataSet, doubts: Doubts) -> LabelWeights:
    """Factors that leave out the stresses of a set that are not to be fitted; says so."""
    if data_set.stress != "auto":
        doubts.stress_fitted = "all" if data_set.stress else "none"
    else:
        doubts.stress_fitted = doubts.usable
        left_out = {"all": "", "shear": "normal stress is", "none": "stress is"}[doubts.usable]
        if left_out:
            doubts.note(
                f"its {left_out} not fitted, because it contradicts the energies; correct the "
                "file, or write 'stress: true' in the set to fit it all the same"
            )
    return {
        "all": LabelWeights(),
        "shear": LabelWeights(stress=0.0, shear_stress=1.0),
        "none": LabelWeights(stress=0.0),
    }[doubts.stress_fitted]


def leave_out_repeats(train: list[Frame], held_back: list[Frame], doubts: Doubts) -> list[Frame]:
    """The frames held back that are not trained on as well; says which are, and what repeats.

    A structure that is trained on twice has twice the weight, which is said but left as it is.
    """
    frames = [*train, *held_back]
    twins = find_duplicates(frames)
    leaks = {later for earlier, later in twins if earlier < len(train) <= later}
    if leaks:
        first = frames[min(leaks)].origin
        doubts.note(
            f"{len(leaks)} frames are not validated on, because the same structures are trained "
            f"on; the first is {first}"
        )
    within = [pair for pair in twins if pair[1] < len(train)]
    if within:
        earlier, later = within[0]
        doubts.note(
            f"{len(within)} frames repeat a structure and weigh double; the first is "
            f"{frames[later].origin} = {frames[earlier].origin}"
        )
    conflicts = [pair for pair in twins if have_different_labels(frames[pair[0]], frames[pair[1]])]
    if conflicts:
        doubts.note(
            f"{len(conflicts)} of the repeated structures have other labels, the first is "
            f"{frames[conflicts[0][1]].origin}; remove one of each"
        )
    return [frame for index, frame in enumerate(held_back, len(train)) if index not in leaks]


def leave_out_trained_elsewhere(
    train: list[LabelledFrame], held_back: list[LabelledFrame]
) -> tuple[list[LabelledFrame], list[str]]:
    """The frames held back that no other set trains on; and what repeats between sets.

    Returns:
        The frames that are left, and sentences.
    """
    items = [*train, *held_back]
    frames = [item.frame for item in items]
    between = [
        (earlier, later)
        for earlier, later in find_duplicates(frames)
        if items[earlier].set_name != items[later].set_name
    ]
    leaks = {later for earlier, later in between if earlier < len(train) <= later}
    sentences = []
    if leaks:
        first = min(leaks)
        sentences.append(
            f"set {items[first].set_name!r}: {len(leaks)} frames are not validated on, because "
            f"other sets train on the same structures; the first is {frames[first].origin}"
        )
    same = [
        pair
        for pair in between
        if pair[1] < len(train) and not have_different_labels(frames[pair[0]], frames[pair[1]])
    ]
    if same:
        earlier, later = same[0]
        sentences.append(
            f"set {items[later].set_name!r}: {len(same)} frames repeat a structure and its labels "
            f"from another set and weigh double; the first is {frames[later].origin} = "
            f"{frames[earlier].origin}"
        )
    left = [item for index, item in enumerate(held_back, len(train)) if index not in leaks]
    return left, sentences
