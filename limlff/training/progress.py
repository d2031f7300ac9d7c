"""How far a training is, how good and how fast, and how that is said in a line."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from limlff.errors import InputError, shown
from limlff.training.error_sums import SUM_NAMES, errors_from_sums
from limlff.training.recipe import Recipe


@dataclass
class Progress:
    """How far a training is; everything here but arrays goes into the header of a checkpoint.

    Attributes:
        epoch: Epochs finished.
        batch: Batches finished in the epoch that is under way.
        sums: Sums of errors over those batches, in the order of `SUM_NAMES`.
        history: One entry per finished epoch.
        best_score: Lowest score so far.
        best_epoch: Epoch after which it was reached.
        stale: Validations since then.
        steps: Steps made.
        seconds: Time spent in steps without compilation (s).
        atoms: Atoms that went through these.
        compile_seconds: Time spent in the first step of each shape, which compiles it (s).
        compiled_shapes: Shapes compiled since the start, or since the last resume.
    """

    epoch: int = 0
    batch: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0] * len(SUM_NAMES))
    history: list[dict[str, Any]] = field(default_factory=list)
    best_score: float | None = None
    best_epoch: int = 0
    stale: int = 0
    seconds: float = 0.0
    steps: int = 0
    atoms: int = 0
    compile_seconds: float = 0.0
    compiled_shapes: int = 0

    @classmethod
    def restored(cls, values: Any) -> Progress:
        """Progress from the header of a checkpoint.

        Raises:
            InputError: If a value is missing or not of its kind.
        """
        start = asdict(cls())
        if not isinstance(values, dict) or values.keys() != start.keys():
            raise InputError("the checkpoint does not tell how far the training was; start anew")
        for name, value in values.items():
            number = isinstance(start[name], float) or name == "best_score"
            kinds = (float, int) if number else (type(start[name]),)
            absent = name == "best_score" and value is None
            if not absent and (type(value) not in kinds or (type(value) is int and value < 0)):
                raise InputError(
                    f"{name} of the checkpoint is {shown(repr(value))}; start the training anew"
                )
        return cls(**values)

    @property
    def atoms_per_second(self) -> float:
        """Atoms times epochs per second, without compilation and validation."""
        return self.atoms / self.seconds if self.seconds else 0.0

    def finish_epoch(self, entry: dict[str, Any]) -> None:
        """Go on to the next epoch, with what is kept of the one that is over."""
        self.history.append(entry)
        self.epoch, self.batch, self.sums = entry["epoch"], 0, [0.0] * len(SUM_NAMES)

    def summary(self) -> dict[str, Any]:
        """Speed and result so far, for JSON."""
        names = (
            "steps",
            "seconds",
            "compile_seconds",
            "compiled_shapes",
            "atoms_per_second",
            "best_epoch",
            "best_score",
        )
        return {name: getattr(self, name) for name in names}


def score(errors: dict[str, float | None], recipe: Recipe) -> float:
    """What the kept parameters are best in: mean absolute errors, weighted as at the end.

    The sum of energy MAE / (1 meV/atom), force MAE / (10 meV/Å) and stress MAE / (0.1 GPa), each
    times the final weight of its label in the loss; labels that are nowhere do not count.
    """
    scales = (
        (recipe.loss.energy.final, "energy_mae_mev_per_atom", 1.0),
        (recipe.loss.force.final, "force_mae_ev_per_angstrom", 0.01),
        (recipe.loss.stress.final, "stress_mae_gpa", 0.1),
    )
    return sum(weight * (errors[key] or 0.0) / scale for weight, key, scale in scales)


def describe_errors(errors: dict[str, float | None]) -> str:
    """Mean absolute errors in a few words; labels that are nowhere are left out."""
    units = {
        "energy_mae_mev_per_atom": "meV/atom",
        "force_mae_ev_per_angstrom": "eV/Å",
        "stress_mae_gpa": "GPa",
    }
    return ", ".join(
        f"{errors[key]:.4g} {unit}" for key, unit in units.items() if errors[key] is not None
    )


def describe_running(progress: Progress) -> str:
    """The epoch under way and its errors so far, in a few words."""
    words = f"epoch {progress.epoch + 1}"
    if not any(progress.sums):  # no step has come to its end yet
        return words
    return f"{words}, {describe_errors(errors_from_sums(progress.sums))}"


def describe_entry(entry: dict[str, Any], atoms_per_second: float) -> str:
    """One line of log for an epoch."""
    line = f"epoch {entry['epoch']}: train {describe_errors(entry['train'])}"
    if "validation" in entry:
        line += f"; validation {describe_errors(entry['validation'])}"
    return f"{line}; {atoms_per_second:.0f} atoms/s"
