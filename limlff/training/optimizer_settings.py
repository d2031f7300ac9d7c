"""The section `optimizer` of a recipe."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from limlff.config import StrictModel
from limlff.quantities import NonNegative, Positive

Decay = Annotated[float, Field(ge=0, lt=1)]


class OptimizerSettings(StrictModel):
    """Adam with warm-up, decay of the learning rate, clipping, and an average of the parameters.

    Attributes:
        learning_rate: Highest learning rate.
        final_learning_rate: Learning rate at the end.
        warmup_epochs: Epochs over which it rises linearly from zero.
        decay: How it falls after the warm-up.
        clip_norm: Largest norm of the gradient; null for no limit.
        beta1: Decay of the average of gradients.
        beta2: Decay of the average of squared gradients.
        average_decay: Decay per step of the exponential average of parameters that is validated and
            kept; 0 for none.
    """

    learning_rate: Positive = 2e-3
    final_learning_rate: Positive = 1e-6
    warmup_epochs: NonNegative = 0.5
    decay: Literal["cosine", "exponential"] = "cosine"
    clip_norm: Positive | None = 10.0
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    average_decay: Decay = 0.999

    def rate_at(self, epoch: float, epochs: int) -> float:
        """Learning rate after so many epochs, of which a part may be over."""
        if epoch < self.warmup_epochs:
            return self.learning_rate * max(epoch / self.warmup_epochs, 1e-3)
        span = max(epochs - self.warmup_epochs, 1e-9)
        progress = min((epoch - self.warmup_epochs) / span, 1.0)
        if self.decay == "exponential":
            ratio = self.final_learning_rate / self.learning_rate
            return self.learning_rate * math.exp(progress * math.log(ratio))
        swing = 0.5 * (1 + math.cos(math.pi * progress))
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * swing
