"""When a campaign ends, what it explores, and the example of its documentation."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from limlff.config import parse_config
from limlff.learning.campaign import Budget, Campaign, Goal, Runs
from limlff.learning.choosing import check_features
from limlff.learning.decision import Standing, nothing_to_label, reached_goal, spent_budget
from limlff.learning.exploration import runs_of
from limlff.learning.labeller import Labeller
from limlff.learning.tasks import Cost
from limlff.md.config import MDConfig
from limlff.training.recipe import Recipe
from limlff.yaml_file import parse_yaml


def test_all_combinations_are_explored_with_seeds_of_their_own():
    kind = Runs(
        kind="bulk cells",
        structures=("/a.extxyz", "/b.extxyz"),
        temperatures_k=(300.0, 600.0),
        pressures_gpa=(0.0, 1.0),
        strains=(-0.02, 0.02),
        md={"steps": 100, "ensemble": {"kind": "npt"}},
    )
    campaign = Campaign(recipe="/train.yaml", runs=(kind,), seed=3)
    runs = runs_of(campaign, "/p.limlff", 1)
    assert len(runs) == 16
    assert len({run.name for run in runs}) == len({run.config.seed for run in runs}) == 16
    assert {run.config.ensemble.pressure_gpa for run in runs} == {0.0, 1.0}
    assert {run.config.temperature_k for run in runs} == {300.0, 600.0}
    seeds = {run.config.seed for turn in (1, 2) for run in runs_of(campaign, "/p", turn)}
    assert len(seeds) == 32


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_seeds_of_many_runs_are_unlike_each_other_and_can_be_seeds(seed):
    """Also with more runs than seeds are apart as a rule, and with the largest seed."""
    kind = Runs(
        kind="(111), (100)",
        structures=("/a.extxyz",),
        temperatures_k=tuple(range(300, 1401)),
        md={"steps": 100},
    )
    campaign = Campaign(recipe="/train.yaml", runs=(kind,), seed=seed)
    runs = [run for turn in (1, 2) for run in runs_of(campaign, "/p", turn)]
    assert len({run.config.seed for run in runs}) == 2 * 1101
    assert all(MDConfig.model_validate(run.config.model_dump()) for run in runs[::1100])
    assert runs[0].name == "000-111-100"


def test_what_is_too_large_to_label_is_not_called_known():
    assert "labeller.max_atoms = 3" in nothing_to_label(12, 0, 3, 1)
    for uncertain, cuts in ((12, 4), (0, 0)):
        reason = nothing_to_label(uncertain, cuts, 3, 1)
        assert reason == f"nothing new was found among {cuts} structures of iteration 1"


def test_the_campaign_of_the_documentation_is_one():
    page = (Path(__file__).parents[3] / "docs/active-learning.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n(# campaign.yaml\n.*?)^```", page, re.S | re.M)
    campaign = parse_config(parse_yaml(text, "page"), Campaign, "page")
    assert len(runs_of(campaign, "/p.limlff", 1)) == 5
    defaults = Labeller().code.model_dump()
    assert campaign.labeller.code.model_dump() == defaults


def test_the_campaign_of_a_minute_in_the_documentation_can_be_begun():
    """Its recipe and its settings; limlff's own calculator is what labels."""
    page = (Path(__file__).parents[3] / "docs/active-learning.md").read_text(encoding="utf-8")
    texts = dict(re.findall(r"^```yaml\n# (train|small).yaml\n(.*?)^```", page, re.S | re.M))
    campaign = parse_config(parse_yaml(texts["small"], "page"), Campaign, "page")
    recipe = parse_config(parse_yaml(texts["train"], "page"), Recipe, "page")
    check_features(campaign.select, recipe)
    assert campaign.campaign_set.energy_zero in [each.name for each in recipe.data]
    module, _, name = campaign.labeller.code.calculator_class.partition(":")
    assert hasattr(importlib.import_module(module), name)


STANDING = Standing(
    iteration=3,
    frames=40,
    cost=Cost(7200.0, 3600.0),
    errors={"force_mae_ev_per_angstrom": 0.02, "energy_mae_mev_per_atom": None},
    uncertain_share=0.1,
)


@pytest.mark.parametrize(
    ("limits", "reached"),
    [
        ({}, False),
        ({"uncertain_share": 0.1}, True),
        ({"uncertain_share": 0.05}, False),
        ({"force_mae_ev_per_angstrom": 0.03}, True),
        ({"force_mae_ev_per_angstrom": 0.03, "uncertain_share": 0.05}, False),
        ({"energy_mae_mev_per_atom": 5.0}, False),  # no frame has an energy
    ],
)
def test_a_goal_is_reached_if_all_of_it_holds(limits, reached):
    goal = Goal(test=("/t",), **limits)
    assert (reached_goal(goal, STANDING) is not None) == reached
    unexplored = replace(STANDING, uncertain_share=None)
    assert "uncertain_share" not in limits or reached_goal(goal, unexplored) is None


@pytest.mark.parametrize(
    ("limits", "spent"),
    [
        ({"iterations": 2}, "budget.iterations is 2"),
        ({"iterations": 3}, None),
        ({"frames": 40}, "budget.frames is 40"),
        ({"frames": 41, "core_hours": 2.0}, "budget.core_hours is 2"),
        ({"wall_hours": 1.0}, "budget.wall_hours is 1"),
    ],
)
def test_a_budget_is_spent_if_any_of_it_is(limits, spent):
    found = spent_budget(Budget(**limits), STANDING)
    assert (found is None) if spent is None else (found is not None and spent in found)
