"""Settings of the deposition study, and the runs that follow from them."""

from __future__ import annotations

import numpy as np
import pytest

from limlff.catalog import find_workflow
from limlff.config import parse_config
from limlff.errors import InputError
from limlff.structures.settings import build_slab
from limlff.workflows.deposition.config import DepositionConfig
from limlff.workflows.deposition.plan import plan_runs
from limlff.workflows.presets import load_with_preset

FARADAY, AVOGADRO = 96485.33, 6.02214e23  # C/mol, 1/mol


def config(**changes) -> DepositionConfig:
    return parse_config(changes, DepositionConfig, "x.yaml")


@pytest.mark.parametrize("kind", ["deposition", "stripping"])
@pytest.mark.parametrize("name", ["cu100", "cu110", "cu111", "sweep"])
@pytest.mark.parametrize("preset", ["quick", "paper", "cluster"])
def test_shipped_studies_are_valid(kind, name, preset):
    settings = load_with_preset(find_workflow(f"{kind}/{name}"), DepositionConfig, preset, [])
    assert settings.potential == "li-cu"
    assert len(settings.slabs) == (3 if name == "sweep" else 1)
    assert (settings.stripping is not None) == (kind == "stripping")
    assert name == "sweep" or settings.slabs[0].facet == name[2:]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"slabs": [{"element": "Li"}]}, "film is Li, as is a slab"),
        ({"film": "Na"}, "film is Na; the study counts layers .* lithium"),
        ({"slabs": [{}, {}], "layers": 1}, "slabs holds Cu111-8x8 twice"),
        ({"rates": [{"every": 100}, {"every": 100}]}, "rates holds every-100-steps twice"),
        ({"rates": [{"every": 100, "atoms_per_ns": 3}]}, "give exactly one of every"),
        ({"rates": []}, "rates"),
        ({"layers": 9}, "vacuum_angstrom 40; 9 layers .* need 41"),
        ({"slabs": [{"fixed_layers": 0}], "layers": 1}, "fixed_layers 0; hold one layer"),
        (
            {"slabs": [{"layers": 4}], "layers": 1},
            "4 layers, of which 2 are fixed and 2 have friction",
        ),
        ({"dynamics": {"lag_ps": 15.0}}, "lag_ps is 15"),
        ({"stripping": {"share": 0}}, "share"),
        ({"slabs": [{"element": "Cu", "facets": "111"}]}, "did you mean 'facet'"),
    ],
)
def test_impossible_settings_are_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        config(**wrong)


def test_there_is_a_run_for_each_slab_rate_and_seed_with_its_own_random_numbers():
    slabs = [{"facet": "100", "vacuum_angstrom": 40}, {"facet": "110", "vacuum_angstrom": 40}]
    settings = config(slabs=slabs, rates=[{"every": 100}, {"every": 1000}], repeats=2, seed=5)
    runs = dict(plan_runs(settings))
    assert len(runs) == 8
    assert list(runs)[:3] == [
        "Cu100-8x8-every-100-steps-seed5",
        "Cu110-8x8-every-100-steps-seed5",
        "Cu100-8x8-every-1000-steps-seed5",
    ]
    seeds = [md.seed for run in runs.values() for md in (run.plating, run.rest)]
    assert len(set(seeds)) == len(seeds)


def test_the_amount_plated_is_that_of_the_charge():
    """Current density times area and time, over the charge of an electron each."""
    density = 4e9  # mA/cm²
    settings = config(
        slabs=[{"facet": "110", "vacuum_angstrom": 40}],
        rates=[{"current_density_ma_per_cm2": density}],
        layers=3.0,
    )
    run = next(iter(dict(plan_runs(settings)).values()))
    cell = build_slab(settings.slabs[0]).cell.array
    area_cm2 = np.linalg.det(cell[:2, :2]) * 1e-16
    seconds = run.plated * run.rate.every_steps * 3e-15
    atoms = density * 1e-3 * area_cm2 * seconds / FARADAY * AVOGADRO
    assert atoms == pytest.approx(3.0 * run.per_layer, rel=2e-3)
    assert run.plating.steps > settings.steps(settings.dynamics.relax_ps) + seconds / 3e-15
    assert run.per_layer == pytest.approx(2 / (np.sqrt(2) * 3.438**2) * area_cm2 * 1e16, rel=1e-6)


def test_friction_ends_above_the_layers_that_have_it_and_the_lid_is_above_the_film():
    settings = config(slabs=[{"facet": "100", "layers": 6, "vacuum_angstrom": 30}])
    run = next(iter(dict(plan_runs(settings)).values()))
    heights = build_slab(settings.slabs[0]).positions[:, 2]
    below = run.plating.ensemble.friction_on.below_z_angstrom
    planes = np.unique(heights.round(3))
    assert np.sum(planes < below) == 2 + 2  # held, and with friction
    assert planes.max() + 6 < run.plating.lid.z_angstrom < planes.max() + 30
    assert run.rest.lid == run.plating.lid and not run.rest.events
