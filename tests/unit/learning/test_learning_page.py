"""The page of a campaign in words: numbers that suit their nouns, and what has labelled."""

from __future__ import annotations

from labelling_cases import labeller

from limlff.learning.campaign import Campaign, Runs
from limlff.learning.choices import Choice
from limlff.learning.cut import Cut
from limlff.learning.page import write_page
from limlff.named_potential import load

ROW = {
    "iteration": 1,
    "frames": 0,
    "uncertain_share": None,
    "stops": [],
    "errors": {},
    "core_hours": {"explore": 0.0, "label": 0.0, "train": 0.1},
}


def test_one_is_not_many_and_the_calculator_has_its_name(frame, tmp_path):
    run = Runs(kind="bulk", structures=("/a.extxyz",), md={"steps": 10})
    by = labeller("limlff:Calculator", {"potential": "li"})
    campaign = Campaign(recipe="/train.yaml", runs=(run,), labeller=by)
    chosen = {1: [Choice(Cut(frame, 1.0), "Cu 0 is new", "", 3.0)]}
    page = write_page(tmp_path, campaign, [ROW], chosen, load("li")).read_text(encoding="utf-8")
    assert "bulk, 1 structure at 300 K." in page
    assert "1 frame was labelled in 1 iteration." in page
    assert "Frames labelled by limlff:Calculator(potential=li)." in page
