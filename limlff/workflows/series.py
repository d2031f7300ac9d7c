"""Numbers of a run against time, measured frame by frame while it goes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from limlff.md.output.trajectory import TrajectoryFrame


@dataclass(frozen=True)
class TimeSeries:
    """Numbers of one run against time.

    Attributes:
        time_ps: Times of the frames (ps).
        columns: Values of each frame by name; the names hold the units.
    """

    time_ps: Float[np.ndarray, " frames"]
    columns: dict[str, Float[np.ndarray, " frames"]]

    def mean(self, name: str, after: float = 0.0) -> tuple[float, float]:
        """Mean of a column and its standard error, from four blocks of time.

        Args:
            name: The column.
            after: Part of the run, from its beginning, that is left out.
        """
        values = self.columns[name][round(after * len(self.time_ps)) :]
        return float(values.mean()), block_error(values)

    def to_json(self) -> dict[str, Any]:
        """Values JSON can hold; what is not a number becomes null."""
        return {
            "time_ps": rounded(self.time_ps),
            **{name: rounded(values) for name, values in self.columns.items()},
        }


class Observer(ABC):
    """Takes the frames of one run as they come; a resumed run shows those of before again."""

    def __init__(self) -> None:
        self._times_fs: list[float] = []
        self._rows: list[dict[str, float]] = []

    @abstractmethod
    def observe(self, frame: TrajectoryFrame) -> dict[str, float]:
        """Measure a frame: values by name."""

    @property
    def note(self) -> str:
        """What to show beside the progress; empty for nothing."""
        return ""

    @property
    def is_done(self) -> bool:
        """Whether the run may end at the last frame."""
        return False

    def add(self, frame: TrajectoryFrame) -> dict[str, float]:
        """Measure a frame and keep the values."""
        row = self.observe(frame)
        self._times_fs.append(frame.time_fs)
        self._rows.append(row)
        return row

    @property
    def time_ps(self) -> Float[np.ndarray, " frames"]:
        """Times of the frames (ps)."""
        return np.array(self._times_fs) * 1e-3

    def column(self, name: str) -> Float[np.ndarray, " frames"]:
        """Values of one name."""
        return np.array([row[name] for row in self._rows])

    def columns(self) -> dict[str, Float[np.ndarray, " frames"]]:
        """Values by name."""
        return {name: self.column(name) for name in self._rows[0]} if self._rows else {}

    def series(self) -> TimeSeries:
        """All numbers against time."""
        return TimeSeries(self.time_ps, self.columns())


class Unmeasured(Observer):
    """Takes the frames of a stage of which all is measured at its end.

    Args:
        note: What to show beside the progress.
    """

    def __init__(self, note: str) -> None:
        super().__init__()
        self._note = note

    @property
    def note(self) -> str:
        """What the stage is."""
        return self._note

    def observe(self, frame: TrajectoryFrame) -> dict[str, float]:
        """Nothing yet."""
        return {}


def rounded(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON, to six decimals; what is not finite becomes null."""
    return [round(float(value), 6) if np.isfinite(value) else None for value in values]


def smoothed(values: np.ndarray, width: int) -> np.ndarray:
    """Running mean over `width` values, over fewer at both ends."""
    if not len(values):
        return values
    kernel = np.ones(min(width, len(values)))
    counts = np.convolve(np.ones(len(values)), kernel, mode="same")
    return np.asarray(np.convolve(values, kernel, mode="same") / counts)


def last_mean(values: np.ndarray, part: float = 0.1) -> float:
    """Mean over the last tenth of a run, or another part of it."""
    return float(np.mean(values[-max(1, round(part * len(values))) :]))


def block_error(values: np.ndarray, blocks: int = 4) -> float:
    """Standard error of a mean from the means of blocks of time; nan if only one is filled."""
    means = [block.mean() for block in np.array_split(values, blocks) if len(block)]
    if len(means) < 2:
        return float("nan")
    return float(np.std(means, ddof=1) / np.sqrt(len(means)))
