"""Schedules of the recipe, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from training_frames import RECIPE

from limlff.config import parse_config
from limlff.errors import InputError
from limlff.training.data_settings import LabelWeights
from limlff.training.loss_settings import ScheduledWeight
from limlff.training.optimizer_settings import OptimizerSettings
from limlff.training.recipe import Recipe

yaml = pytest.importorskip("yaml")


def recipe_with(**changes):
    return parse_config({**yaml.safe_load(RECIPE), **changes}, Recipe, "recipe.yaml")


def test_plain_number_is_a_constant_weight():
    weight = recipe_with(loss={"force": 2}).loss.force
    assert weight.at(0.0) == weight.at(0.3) == weight.final == 2.0


def test_scheduled_weight_goes_exponentially_from_start_to_end():
    weight = ScheduledWeight(start=0.1, end=10.0)
    assert [weight.at(x) for x in (0, 0.5, 1)] == pytest.approx([0.1, 1.0, 10.0])
    ratios = np.diff(np.log([weight.at(x) for x in np.linspace(0, 1, 11)]))
    assert ratios == pytest.approx(ratios[0])


def test_switched_weight_jumps_once():
    weight = ScheduledWeight(start=0.0, end=5.0, switch_at=0.6)
    assert [weight.at(x) for x in (0, 0.599, 0.6, 1)] == [0, 0, 5, 5]


def test_exponential_weight_from_zero_is_refused():
    with pytest.raises(InputError, match="give switch_at"):
        recipe_with(loss={"energy": {"start": 0.0, "end": 1.0}})


@pytest.mark.parametrize("decay", ["cosine", "exponential"])
def test_learning_rate_rises_then_falls_to_its_end(decay):
    settings = OptimizerSettings(
        learning_rate=1e-2, final_learning_rate=1e-5, warmup_epochs=2, decay=decay
    )
    rates = [settings.rate_at(epoch, 20) for epoch in np.linspace(0, 20, 201)]
    assert rates[10] == pytest.approx(5e-3) and max(rates) == rates[20] == pytest.approx(1e-2)
    assert rates[0] > 0 and rates[-1] == pytest.approx(1e-5)
    assert np.all(np.diff(rates[20:]) < 0)
    middle = {"cosine": (1e-2 + 1e-5) / 2, "exponential": 10**-3.5}[decay]
    assert settings.rate_at(11, 20) == pytest.approx(middle)


def test_warm_up_longer_than_the_training_never_leaves_it():
    settings = OptimizerSettings(learning_rate=1e-2, warmup_epochs=10)
    assert settings.rate_at(3, 3) == pytest.approx(3e-3)


def test_weights_of_set_and_group_multiply():
    product = LabelWeights(energy=2.0, stress=3.0).times(LabelWeights(force=0.5, shear_stress=0.0))
    assert (product.energy, product.force, product.stress, product.shear) == (2, 0.5, 3, 0)
    assert LabelWeights(stress=3.0).times(LabelWeights(stress=2.0)).shear == 6


DATA = [{"name": "a", "files": ["a.xyz"]}, {"name": "b", "files": ["b.xyz"]}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, "unknown key 'epoch'; did you mean 'epochs'"),
        ({"optimizer": {"lerning_rate": 1e-3}}, "did you mean 'learning_rate'"),
        ({"optimizer": {"learning_rate": 0}}, "optimizer.learning_rate"),
        ({"validation": {"fraction": 1.0}}, "validation.fraction"),
        ({"data": [DATA[0], DATA[0]]}, "two data sets are named 'a'"),
        ({"data": [{**DATA[0], "energy_zero": "b"}, DATA[1]]}, "one of the sets before it"),
        ({"data": DATA}, "validation.files names the set 'own'; the sets are a, b"),
        ({"data": [{"name": "", "files": ["a.xyz"]}]}, "data.0.name"),
        ({"data": []}, "data"),
        ({"dtype": "float16"}, "dtype"),
    ],
)
def test_wrong_recipe_is_refused_with_the_reason(changes, message):
    with pytest.raises(InputError) as refusal:
        recipe_with(**changes)
    assert message in str(refusal.value) and "\n" not in str(refusal.value)
