"""What a campaign reads is looked at before it begins, and stays the same when it goes on."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
import yaml
from ase.build import bulk, molecule
from ase.io import write
from small_campaign import RECIPE, snapshots, write_campaign

from limlff.cli.main import main
from limlff.config import load_config
from limlff.errors import InputError
from limlff.frames.extxyz import write_extxyz
from limlff.frames.read import read_source
from limlff.learning import updating
from limlff.learning.campaign import Campaign
from limlff.learning.campaign_folder import write_settings
from limlff.learning.executors import Executors, run_here
from limlff.learning.inputs import check_inputs_stay, keep_inputs, read_inputs
from limlff.learning.learn import learn, resume_learning
from limlff.learning.ledger import open_ledger
from limlff.learning.work import Work
from limlff.models.moment import MomentModel
from limlff.potential import Potential
from limlff.potential_file import save_potential


def small_copper() -> Potential:
    model = MomentModel(("Cu",), cutoff=4.0, radial=3, channels=2, max_degree=1, hidden=(3,))
    return Potential(model, model.initialize(jax.random.PRNGKey(0)), np.array([-3.7]))


def refused(folder: Path, words: str, **changes) -> None:
    campaign = load_config(write_campaign(folder, **changes), Campaign)
    with pytest.raises(InputError, match=words):
        read_inputs(campaign)


def hot(**changes) -> list[dict]:
    return [{"kind": "hot", "structures": ["start.extxyz"], "md": {"steps": 10}, **changes}]


@pytest.mark.parametrize("name", ["cold.extxyz", "start.extxyz", "given.limlff", "site.yaml"])
def test_an_old_campaign_stays_while_what_the_new_one_reads_is_missing(tmp_path, capsys, name):
    save_potential(small_copper(), tmp_path / "given.limlff")
    (tmp_path / "site.yaml").write_text("{}")
    path = write_campaign(tmp_path, potential="given.limlff", site="site.yaml")
    out = tmp_path / "out"
    labels = out / "labels" / "a"
    labels.mkdir(parents=True)
    (tmp_path / name).unlink()
    for force in ([], ["--force"]):
        shutil.rmtree(out) if not force else labels.mkdir(parents=True)
        assert main(["learn", str(path), "--out", str(out), "--quiet", *force]) == 2
        assert name in capsys.readouterr().err
        assert labels.exists() if force else not out.exists()


def test_files_of_a_campaign_are_not_removed_by_the_one_that_reads_them(tmp_path):
    out = tmp_path / "out"
    (out / "iteration-001").mkdir(parents=True)
    write_extxyz(snapshots(2, 5, 0.1), out / "iteration-001/labelled.extxyz")
    labels = {"labels": ["out/iteration-001/labelled.extxyz"], "energy_zero": "cold"}
    path = write_campaign(tmp_path, campaign_set=labels)
    with pytest.raises(InputError, match=r"labelled\.extxyz: is read as input and would be remov"):
        learn(path, out, progress=False, force=True)
    assert (out / "iteration-001/labelled.extxyz").is_file()


def test_a_zero_of_energy_is_that_of_a_set(tmp_path):
    refused(
        tmp_path,
        r"campaign_set\.energy_zero is 'nosuch', which is none of the sets \(cold\)",
        campaign_set={"energy_zero": "nosuch"},
    )
    test = {"test": ["test.extxyz"], "test_zero": "nosuch"}
    refused(tmp_path, r"goal\.test_zero is 'nosuch'.* sets \(cold, campaign\)", goal=test)
    potential = small_copper()
    card = {"training": {"energy_offsets_ev": {"nosuch": {"Cu": 1.0}}}}
    save_potential(replace(potential, card=card), tmp_path / "given.limlff")
    known = write_campaign(tmp_path, goal=test, potential="given.limlff")
    read_inputs(load_config(known, Campaign))


def test_structures_can_be_run_from(tmp_path):
    refused(tmp_path, "nosuch.extxyz", runs=hot(structures=["nosuch.extxyz"]))
    write(tmp_path / "brass.extxyz", bulk("CuZn", "cesiumchloride", a=2.95))
    words = r"brass\.extxyz: holds Zn, but the potentials of the campaign know Cu only"
    refused(tmp_path, words, runs=hot(structures=["start.extxyz", "brass.extxyz"]))
    dimer = molecule("Na2")
    dimer.numbers[:] = 29
    write(tmp_path / "dimer.extxyz", dimer)
    runs = hot(structures=["dimer.extxyz"], strains=[0.0, 0.02])
    refused(tmp_path, "a strain of 0.02 needs a periodic structure", runs=runs)


@pytest.mark.parametrize("key", ["goal.test", "campaign_set.labels"])
def test_labels_are_of_the_elements_of_the_recipe(tmp_path, key):
    """Found only after a training else, or after many."""
    write_campaign(tmp_path)
    (frame,) = read_source(tmp_path / "test.extxyz").frames[:1]
    numbers = np.where(np.arange(len(frame)) == 3, 30, frame.numbers)
    write_extxyz([replace(frame, numbers=numbers)], tmp_path / "brass.extxyz")
    section, name = key.split(".")
    refused(tmp_path, f"{key}: holds Zn, but", **{section: {name: ["brass.extxyz"]}})


def test_test_frames_are_trained_on_nowhere(tmp_path):
    write_campaign(tmp_path)
    moved = [
        replace(frame, positions=frame.positions + 0.5)
        for frame in read_source(tmp_path / "test.extxyz").frames[:2]
    ]
    write_extxyz(moved, tmp_path / "labels.extxyz")
    words = r"goal\.test: 2 of 6 frames are trained on, being in campaign_set\.labels too"
    refused(tmp_path, words, campaign_set={"labels": ["labels.extxyz"], "energy_zero": "cold"})
    cold = {"test": ["cold.extxyz", "test.extxyz"]}
    refused(tmp_path, r"12 of 18 frames .* set 'cold' of the recipe", goal=cold)
    # those that the recipe leaves out are not trained on
    left_out = {**RECIPE["data"][0], "select": {"max_volume_per_atom": 11.0}}
    path = write_campaign(tmp_path, goal=cold)
    (tmp_path / "train.yaml").write_text(yaml.safe_dump({**RECIPE, "data": [left_out]}))
    read_inputs(load_config(path, Campaign))


def rewrite_recipe(folder: Path) -> None:
    recipe = {**RECIPE, "model": {**RECIPE["model"], "channels": 3}}
    (folder / "train.yaml").write_text(yaml.safe_dump(recipe))


def rewrite_structure(folder: Path) -> None:
    write(folder / "start.extxyz", bulk("Cu", "fcc", a=3.7, cubic=True).repeat(2))


def rewrite_data(folder: Path) -> None:
    write_extxyz(snapshots(12, 9, 0.06), folder / "cold.extxyz")


def rewrite_labels(folder: Path) -> None:
    write_extxyz(snapshots(3, 9, 0.08), folder / "labels.extxyz")


def rewrite_potential(folder: Path) -> None:
    potential = small_copper()
    save_potential(replace(potential, baseline=potential.baseline + 1.0), folder / "given.limlff")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rewrite_recipe, r"train\.yaml: model\.channels was 4 when .* and is now 3; set it back"),
        (rewrite_structure, r"start\.extxyz: not the same as when the campaign began"),
        (rewrite_data, r"train\.yaml, set 'cold': not the same as when"),
        (rewrite_labels, r"campaign_set\.labels: not the same as when"),
        (rewrite_potential, r"given\.limlff: not the same as when"),
    ],
)
def test_a_campaign_goes_on_with_what_it_began_with(tmp_path, change, words):
    write_extxyz(snapshots(3, 8, 0.08), tmp_path / "labels.extxyz")
    save_potential(small_copper(), tmp_path / "given.limlff")
    labels = {"labels": ["labels.extxyz"], "energy_zero": "cold"}
    path = write_campaign(tmp_path, potential="given.limlff", campaign_set=labels)
    campaign, out = load_config(path, Campaign), tmp_path / "out"
    out.mkdir()
    base = read_inputs(campaign)
    write_settings(campaign, out)
    keep_inputs(campaign, base, out)
    write_extxyz(snapshots(6, 3, 0.12), tmp_path / "test.extxyz")  # goals may change
    check_inputs_stay(campaign, read_inputs(campaign), out)
    change(tmp_path)
    with pytest.raises(InputError, match=words):
        resume_learning(out, progress=False)


@pytest.mark.parametrize("known", ["campaign", "cold"])
def test_the_zero_of_the_labeller_is_that_of_its_set_until_that_is_trained_on(
    tmp_path, monkeypatch, known
):
    goal = {"test": ["test.extxyz"], "test_zero": "campaign"}
    campaign = load_config(write_campaign(tmp_path, goal=goal), Campaign)
    card = {"training": {"energy_offsets_ev": {known: {"Cu": 1.0}}}}
    potential, zeros = replace(small_copper(), card=card), []
    monkeypatch.setattr(updating, "evaluate", lambda *all, zero: zeros.append(zero) or {})
    with open_ledger(tmp_path / "ledger.sqlite") as ledger, ThreadPoolExecutor(1) as executor:
        on = Executors(run_here, run_here, executor)
        updating.evaluate_on_test(Work(campaign, tmp_path, ledger, on, print), potential)
    assert zeros == [known]
