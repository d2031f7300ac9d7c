"""The training loop: epochs of shuffled batches, validation, checkpoints, exact resume.

The order of batches in an epoch is drawn from the seed and the number of the epoch alone, so that
no state of a random generator has to be kept: a training that was killed goes on from its
checkpoint with the same steps, and ends with the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import jax
import numpy as np

from limlff.errors import InputError, OutOfTime
from limlff.models.contract import Parameters
from limlff.precision import own_precision
from limlff.progress import Progress as Shown
from limlff.training.batches import Shape
from limlff.training.checkpoint import load_checkpoint, save_checkpoint
from limlff.training.error_sums import SUM_NAMES, errors_from_sums
from limlff.training.history import epoch_entry, plot_history, write_history
from limlff.training.preparation import Preparation
from limlff.training.progress import Progress, describe_entry, describe_running, score
from limlff.training.step import controls_at, evaluate_batch, initial_state
from limlff.training.stepper import Stepper


class Trainer:
    """A training under way.

    Attributes:
        progress: How far it is.
        best: Averaged parameters with the best score so far (`model` and `offsets`).
        prepared: What it started from.
    """

    @own_precision()
    def __init__(self, prepared: Preparation, folder: Path) -> None:
        """A training at its beginning.

        Args:
            prepared: What it starts from.
            folder: Where checkpoints and learning curves go; made if missing.
        """
        recipe, objective = prepared.recipe, prepared.objective
        state = initial_state(prepared.parameters, objective, recipe.optimizer, recipe.dtype)
        self.progress = Progress()
        self.best: dict[str, Parameters] = jax.device_get(state.average)
        self.prepared, self._recipe, self._objective = prepared, recipe, objective
        self._folder = folder
        self._stepper = Stepper(objective, recipe.optimizer, state, self.progress)
        self._drawn_epochs = 0
        self._last_entry = ""

    @property
    def has_result(self) -> bool:
        """Whether the parameters are more than a random start."""
        solved = self._recipe.least_squares != "none"
        return solved or self.prepared.start is not None or bool(self.progress.history)

    @own_precision()
    def resume(self) -> None:
        """Go on from the latest checkpoint in the folder.

        Raises:
            InputError: If there is none, or it belongs to another recipe or other data.
        """
        like = {"state": self._stepper.state, "best": self.best}
        arrays, header = load_checkpoint(self._folder, like)
        if header.get("fingerprint") != self.prepared.fingerprint:
            raise InputError(
                f"{self._folder}: its checkpoint belongs to another recipe or other data; "
                "resume with the same, or start anew in another folder"
            )
        self._stepper.state = jax.tree.map(jax.numpy.asarray, arrays["state"])
        self.best = arrays["best"]
        self.progress = self._stepper.progress = Progress.restored(header.get("progress"))

    @own_precision()
    def run(
        self,
        max_seconds: float | None = None,
        stop: Callable[[], bool] = lambda: False,
        progress: bool = True,
    ) -> None:
        """Train to the last epoch or until the score has not improved for too long.

        Nothing is left to do where the recipe asks for least squares only.

        Args:
            max_seconds: Time after which the training stops at the next step, if any.
            stop: Asked after every step whether to stop, for signals.
            progress: Whether to show progress.

        Raises:
            OutOfTime: If it stopped early; a checkpoint is written.
            GuardStop: If the loss is no longer finite.
        """
        if self._recipe.least_squares == "only":
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        started = saved = time.monotonic()
        total = self._recipe.epochs * len(self._plan(0))
        with Shown(total, self.progress.steps, shown=progress) as shown:
            shown.say(f"{self._recipe.epochs} epochs; the first step takes a while: it compiles")
            while not self._is_over():
                for _ in self._epoch(shown):
                    now = time.monotonic()
                    if stop() or (max_seconds is not None and now - started > max_seconds):
                        self.save()
                        raise OutOfTime(
                            f"stopped after {self.progress.epoch} of {self._recipe.epochs} epochs "
                            f"and {self.progress.batch} steps; go on with --resume (resume=True)"
                        )
                    if now - saved > self._recipe.checkpoint_seconds:
                        self.save()
                        saved = time.monotonic()
        self.save()

    def save(self) -> None:
        """Write a checkpoint and the learning curves."""
        self._stepper.collect()
        progress = self.progress
        save_checkpoint(
            self._folder,
            progress.steps,
            {"state": self._stepper.state, "best": self.best},
            {"fingerprint": self.prepared.fingerprint, "progress": asdict(progress)},
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
        return self.prepared.train.plan(np.random.default_rng([self._recipe.seed, epoch]))

    def _epoch(self, shown: Shown) -> Iterator[None]:
        """Make the steps of one epoch; yields after each, when everything can be saved."""
        progress, recipe = self.progress, self._recipe
        plan = self._plan(progress.epoch)
        # Shuffled frames fill now one batch more, now one less.
        epochs_left = recipe.epochs - progress.epoch
        shown.expect(progress.steps - progress.batch + epochs_left * len(plan))
        for shape, members in plan[progress.batch :]:
            controls = controls_at(recipe, progress.epoch + progress.batch / len(plan))
            self._stepper.make_step(self.prepared.train, shape, members, controls)
            shown.advance_to(progress.steps, lambda: self._in_words(shown.is_bar))
            yield None
        self._finish_epoch(shown)

    def _finish_epoch(self, shown: Shown) -> None:
        """Write the epoch into the history; validate and keep the best parameters."""
        self._stepper.collect()
        progress, recipe = self.progress, self._recipe
        entry = epoch_entry(progress, recipe)
        epoch = entry["epoch"]
        if self.prepared.validation is None:
            self.best = jax.device_get(self._stepper.state.average)
            progress.best_epoch = epoch
        elif epoch % recipe.validation.every_epochs == 0 or epoch == recipe.epochs:
            entry["validation"] = self._validate()
            self._keep_if_best(entry["validation"], epoch)
        progress.finish_epoch(entry)
        self._last_entry = describe_entry(entry, progress.atoms_per_second)
        if shown.is_bar:  # a file gets it with the next line of progress
            shown.say(self._last_entry)

    def _validate(self) -> dict[str, float | None]:
        """Errors of the averaged parameters on the frames held back."""
        assert self.prepared.validation is not None
        weights = controls_at(self._recipe, self._recipe.epochs)[1:]
        total = np.zeros(len(SUM_NAMES))
        for batch in self.prepared.validation.batches():
            average = self._stepper.state.average
            sums = evaluate_batch(self._objective, average, batch, weights)
            total += np.asarray(sums, float)
        return errors_from_sums(total.tolist())

    def _keep_if_best(self, errors: dict[str, float | None], epoch: int) -> None:
        progress = self.progress
        value = score(errors, self._recipe)
        if progress.best_score is None or value < progress.best_score:
            progress.best_score, progress.best_epoch, progress.stale = value, epoch, 0
            self.best = jax.device_get(self._stepper.state.average)
        else:
            progress.stale += 1

    def _in_words(self, beside_a_bar: bool) -> str:
        """Where the training is and how good: the epoch under way, in a file the last whole one."""
        if self._last_entry and not beside_a_bar:
            return self._last_entry
        return describe_running(self.progress)
