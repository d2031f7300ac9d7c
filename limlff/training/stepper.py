"""Steps one after the other: the device works on them while the host prepares the next ones."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
from jaxtyping import Array, Float

from limlff.errors import GuardStop
from limlff.training.batches import Shape
from limlff.training.optimizer_settings import OptimizerSettings
from limlff.training.packing import Packing
from limlff.training.progress import Progress
from limlff.training.step import Objective, TrainState, train_step

_STEPS_IN_FLIGHT = 4  # the host prepares batches ahead of the device by no more than this


class Stepper:
    """Makes steps, adds up their errors, and takes their time.

    Attributes:
        state: After all steps so far.
        progress: Takes the sums and times.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: OptimizerSettings,
        state: TrainState,
        progress: Progress,
    ) -> None:
        self._objective, self._optimizer = objective, optimizer
        self.state, self.progress = state, progress
        self._in_flight: deque[Array] = deque()
        self._compiled: set[Shape] = set()

    def make_step(
        self,
        packing: Packing,
        shape: Shape,
        members: list[int],
        controls: Float[np.ndarray, " controls"],
    ) -> None:
        """Make a step with some of the frames; the first of each shape compiles, and counts apart.

        Raises:
            GuardStop: If the loss of an earlier step was not finite.
        """
        progress = self.progress
        compiles = shape not in self._compiled
        if compiles:
            self.collect()
        begun = time.monotonic()
        batch = packing.assemble(shape, members)
        self.state, sums = train_step(self._objective, self._optimizer, self.state, batch, controls)
        self._in_flight.append(sums)
        self._fetch(0 if compiles else _STEPS_IN_FLIGHT)
        progress.batch += 1
        progress.steps += 1
        if compiles:
            self._compiled.add(shape)
            progress.compiled_shapes = len(self._compiled)
            progress.compile_seconds += time.monotonic() - begun
        else:
            progress.atoms += sum(len(packing.samples[i]) for i in members)
            progress.seconds += time.monotonic() - begun

    def collect(self) -> None:
        """Wait for all steps.

        Raises:
            GuardStop: If the loss of one was not finite.
        """
        begun = time.monotonic()
        self._fetch(0)
        self.progress.seconds += time.monotonic() - begun

    def _fetch(self, left: int) -> None:
        """Fetch the sums of all but the last `left` steps; the device is at most so far behind."""
        progress = self.progress
        while len(self._in_flight) > left:
            sums = np.asarray(self._in_flight.popleft(), float)
            if not np.isfinite(sums).all():
                raise GuardStop(
                    f"the loss is not finite in epoch {progress.epoch + 1}, step "
                    f"{progress.steps}; lower optimizer.learning_rate or clip_norm"
                )
            progress.sums = [a + float(b) for a, b in zip(progress.sums, sums, strict=True)]
