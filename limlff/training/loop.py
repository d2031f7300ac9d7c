"""The training loop: epochs of shuffled batches, validation, checkpoints, exact resume.

The order of batches in an epoch is drawn from the seed and the number of the epoch alone, so that
no state of a random generator has to be kept: a training that was killed goes on from its
checkpoint with the same steps, and ends with the same bits.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Bool, Float

from limlff import precision as precision  # first: sets up jax
from limlff.errors import GuardStop, InputError, OutOfTime
from limlff.models.contract import Model, Parameters
from limlff.progress import Progress as Shown
from limlff.training.batches import Packing, Shape
from limlff.training.checkpoint import load_checkpoint, save_checkpoint
from limlff.training.history import plot_history, write_history
from limlff.training.loss import errors_from_sums, formula_for
from limlff.training.progress import Progress, describe_entry, describe_errors, score
from limlff.training.recipe import Recipe
from limlff.training.step import (
    SUM_NAMES,
    Objective,
    evaluate_batch,
    initial_state,
    train_step,
)

_STEPS_IN_FLIGHT = 4  # the host prepares batches ahead of the device by no more than this


class Trainer:
    """A training under way.

    Attributes:
        progress: How far it is.
        best: Averaged parameters with the best score so far (`model` and `offsets`).
        packing: Frames to train on.
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        train: Packing,
        validation: Packing | None,
        parameters: Parameters,
        free: Bool[np.ndarray, "zeros elements"],
        folder: Path,
        fingerprint: str = "",
    ) -> None:
        """Set up a training from its beginning.

        Args:
            model: The model.
            recipe: The recipe.
            train: Frames to train on.
            validation: Frames held back, if any.
            parameters: The model's parameters to start from.
            free: Zeros and elements whose offset is trained.
            folder: Where checkpoints and learning curves go; must exist.
            fingerprint: Of recipe and data; a checkpoint with another one is refused.
        """
        self._objective = Objective(
            model,
            formula_for(train, recipe.batch_atoms, recipe.loss.huber),
            tuple(tuple(row) for row in free.tolist()),
        )
        self.progress = Progress()
        self._recipe = recipe
        self.packing = train
        self._validation = validation
        self._folder = folder
        self._fingerprint = fingerprint
        self._state = initial_state(parameters, self._objective, recipe.optimizer, recipe.dtype)
        self._in_flight: deque[Array] = deque()
        self._compiled: set[Shape] = set()
        self._drawn_epochs = 0
        self._last_entry = ""
        self.best: dict[str, Parameters] = jax.device_get(self._state.average)

    def resume(self) -> None:
        """Go on from the latest checkpoint in the folder.

        Raises:
            InputError: If there is none, or it belongs to another recipe or other data.
        """
        arrays, header = load_checkpoint(self._folder, {"state": self._state, "best": self.best})
        if header.get("fingerprint") != self._fingerprint:
            raise InputError(
                f"{self._folder}: its checkpoint belongs to another recipe or other data; "
                "resume with the same, or start anew in another folder"
            )
        self._state = jax.tree.map(jax.numpy.asarray, arrays["state"])
        self.best = arrays["best"]
        self.progress = Progress.restored(header.get("progress"))

    def run(
        self,
        max_seconds: float | None = None,
        stop: Callable[[], bool] = lambda: False,
        quiet: bool = False,
    ) -> None:
        """Train to the last epoch or until the score has not improved for too long.

        Args:
            max_seconds: Time after which the training stops at the next step, if any.
            stop: Asked after every step whether to stop, for signals.
            quiet: Draw no progress bar.

        Raises:
            OutOfTime: If it stopped early; a checkpoint is written.
            GuardStop: If the loss is no longer finite.
        """
        started = saved = time.monotonic()
        with self._progress_bar(quiet) as shown:
            while not self._is_over():
                for _ in self._epoch(shown):
                    now = time.monotonic()
                    if stop() or (max_seconds is not None and now - started > max_seconds):
                        self.save()
                        raise OutOfTime(
                            f"stopped after {self.progress.epoch} of {self._recipe.epochs} epochs "
                            f"and {self.progress.batch} steps; go on with --resume"
                        )
                    if now - saved > self._recipe.checkpoint_seconds:
                        self.save()
                        saved = time.monotonic()
        self.save()

    def save(self) -> None:
        """Write a checkpoint and the learning curves."""
        self._collect(0)
        progress = self.progress
        save_checkpoint(
            self._folder,
            progress.steps,
            {"state": self._state, "best": self.best},
            {"fingerprint": self._fingerprint, "progress": asdict(progress)},
        )
        write_history(self._folder, progress.history, progress.summary())
        if self._drawn_epochs != progress.epoch:
            plot_history(self._folder, progress.history)
            self._drawn_epochs = progress.epoch

    def _is_over(self) -> bool:
        patience = self._recipe.patience
        return self.progress.epoch >= self._recipe.epochs or (
            patience is not None and self.progress.stale >= patience
        )

    def _plan(self, epoch: int) -> list[tuple[Shape, list[int]]]:
        return self.packing.plan(np.random.default_rng([self._recipe.seed, epoch]))

    def _epoch(self, shown: Shown) -> Iterator[None]:
        """Make the steps of one epoch; yields after each, when everything can be saved."""
        progress = self.progress
        plan = self._plan(progress.epoch)
        # Shuffled frames fill now one batch more, now one less.
        epochs_left = self._recipe.epochs - progress.epoch
        shown.expect(progress.steps - progress.batch + epochs_left * len(plan))
        for shape, members in plan[progress.batch :]:
            self._make_step(shape, members, progress.epoch + progress.batch / len(plan))
            shown.advance_to(progress.steps, lambda: self._in_words(shown.is_bar))
            yield None
        self._finish_epoch(shown)

    def _make_step(self, shape: Shape, members: list[int], epoch: float) -> None:
        """Make a step and take its time; the first of each shape compiles, and counts apart."""
        progress = self.progress
        compiles = shape not in self._compiled
        begun = time.monotonic()
        if compiles:
            self._collect(0)
            progress.seconds += time.monotonic() - begun
            begun = time.monotonic()
        batch = self.packing.assemble(shape, members)
        self._state, sums = train_step(
            self._objective, self._recipe.optimizer, self._state, batch, self._controls(epoch)
        )
        self._in_flight.append(sums)
        self._collect(0 if compiles else _STEPS_IN_FLIGHT)
        progress.batch += 1
        progress.steps += 1
        if compiles:
            self._compiled.add(shape)
            progress.compiled_shapes = len(self._compiled)
            progress.compile_seconds += time.monotonic() - begun
        else:
            progress.atoms += sum(len(self.packing.samples[i]) for i in members)
            progress.seconds += time.monotonic() - begun

    def _collect(self, left: int) -> None:
        """Fetch the sums of all but the last `left` steps; the device is at most so far behind."""
        while len(self._in_flight) > left:
            sums = np.asarray(self._in_flight.popleft(), float)
            if not np.isfinite(sums).all():
                raise GuardStop(
                    f"the loss is not finite in epoch {self.progress.epoch + 1}, step "
                    f"{self.progress.steps}; lower optimizer.learning_rate or clip_norm"
                )
            self.progress.sums = [
                a + float(b) for a, b in zip(self.progress.sums, sums, strict=True)
            ]

    def _finish_epoch(self, shown: Shown) -> None:
        """Write the epoch into the history; validate and keep the best parameters."""
        begun = time.monotonic()
        self._collect(0)
        progress = self.progress
        progress.seconds += time.monotonic() - begun
        epoch = progress.epoch + 1
        _, *weights = (float(value) for value in self._controls(progress.epoch))
        errors = errors_from_sums(dict(zip(SUM_NAMES, progress.sums, strict=True)))
        entry: dict[str, Any] = {
            "epoch": epoch,
            "learning_rate": self._recipe.optimizer.rate_at(epoch, self._recipe.epochs),
            "weights": dict(zip(("energy", "force", "stress"), weights, strict=True)),
            "seconds": progress.seconds,
            "train": errors,
        }
        if self._validation is None:
            self.best = jax.device_get(self._state.average)
            progress.best_epoch = epoch
        elif epoch % self._recipe.validation.every_epochs == 0 or epoch == self._recipe.epochs:
            entry["validation"] = self._validate()
            self._keep_if_best(entry["validation"], epoch)
        progress.history.append(entry)
        progress.epoch, progress.batch, progress.sums = epoch, 0, [0.0] * len(SUM_NAMES)
        self._last_entry = describe_entry(entry, progress.atoms_per_second)
        if shown.is_bar:  # a file gets it with the next line of progress
            shown.say(self._last_entry)

    def _validate(self) -> dict[str, float | None]:
        """Errors of the averaged parameters on the frames held back."""
        assert self._validation is not None
        weights = self._controls(self._recipe.epochs)[1:]
        total = np.zeros(len(SUM_NAMES))
        for batch in self._validation.batches():
            sums = evaluate_batch(self._objective, self._state.average, batch, weights)
            total += np.asarray(sums, float)
        return errors_from_sums(dict(zip(SUM_NAMES, total.tolist(), strict=True)))

    def _keep_if_best(self, errors: dict[str, float | None], epoch: int) -> None:
        progress = self.progress
        value = score(errors, self._recipe)
        if progress.best_score is None or value < progress.best_score:
            progress.best_score, progress.best_epoch, progress.stale = value, epoch, 0
            self.best = jax.device_get(self._state.average)
        else:
            progress.stale += 1

    def _controls(self, epoch: float) -> Float[np.ndarray, " controls"]:
        """Learning rate and loss weights after so many epochs."""
        recipe = self._recipe
        progress = epoch / recipe.epochs
        weights = (recipe.loss.energy, recipe.loss.force, recipe.loss.stress)
        rate = recipe.optimizer.rate_at(epoch, recipe.epochs)
        return np.array([rate, *(weight.at(progress) for weight in weights)])

    def _progress_bar(self, quiet: bool) -> Shown:
        total = self._recipe.epochs * len(self._plan(0))
        return Shown(total, self.progress.steps, shown=not quiet)

    def _in_words(self, beside_a_bar: bool) -> str:
        """Where the training is and how good: the epoch under way, in a file the last whole one."""
        sums = dict(zip(SUM_NAMES, self.progress.sums, strict=True))
        if self._last_entry and not beside_a_bar:
            return self._last_entry
        if not sums["batches"]:
            return f"epoch {self.progress.epoch + 1}"
        return f"epoch {self.progress.epoch + 1}, {describe_errors(errors_from_sums(sums))}"
