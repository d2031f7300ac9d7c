"""Where over a surface atoms arrive."""

from __future__ import annotations

import numpy as np
import pytest
from event_runs import config_with, population, slab
from md_models import COPPER, settings
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from limlff.errors import InputError
from limlff.md.config import Deposit
from limlff.md.lateral_settings import Lateral
from limlff.md.simulation.check_events import check_events
from limlff.md.simulation.events import apply_event
from limlff.md.simulation.places import draw_in_plane, surface_height, widest_disc
from limlff.md.simulation.population import EventImpossible
from limlff.md.system.check_structure import check_structure

SKEWED = np.array([[20.0, 0.0, 0.0], [8.0, 15.0, 0.0]])
"""A plane whose fractional and Cartesian coordinates differ."""

DISC = {"centre": [0.1, 0.9], "radius_angstrom": 3.0}


def lateral(**given) -> Lateral:
    return TypeAdapter(Lateral).validate_python(given)


def places(count=4000, plane=SKEWED, **given) -> np.ndarray:
    rng = np.random.default_rng(0)
    drawn = np.array([draw_in_plane(lateral(**given), plane, rng) for _ in range(count)])
    assert (drawn >= 0).all() and (drawn <= 1).all()
    return drawn


def from_centre(drawn: np.ndarray, centre, plane=SKEWED) -> np.ndarray:
    """Cartesian vectors from the nearest image of a point, found among the images around (Å)."""
    shifts = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)
    vectors = ((drawn - centre)[:, None] + shifts) @ plane
    nearest = np.linalg.norm(vectors, axis=2).argmin(axis=1)
    return vectors[np.arange(len(drawn)), nearest, :2]


def test_rectangle_is_filled_evenly_and_nothing_falls_beside_it():
    drawn = places(kind="masked", rectangle={"first": [0.1, 0.4], "second": [0.5, 1.0]})
    for axis, (low, high) in enumerate([(0.1, 0.4), (0.5, 1.0)]):
        assert stats.kstest(drawn[:, axis], "uniform", args=(low, high - low)).pvalue > 0.01


def test_disc_is_round_in_space_filled_evenly_and_goes_on_over_the_edges():
    vectors = from_centre(places(kind="masked", disc=DISC), DISC["centre"])
    radii = np.linalg.norm(vectors, axis=1)
    assert radii.max() <= 3.0
    assert stats.kstest((radii / 3.0) ** 2, "uniform").pvalue > 0.01  # even by area
    angles = np.arctan2(vectors[:, 1], vectors[:, 0]) / (2 * np.pi) + 0.5
    assert stats.kstest(angles, "uniform").pvalue > 0.01


def test_cluster_has_the_same_width_in_every_direction_of_space():
    drawn = places(kind="clustered", centre=[0.0, 0.5], width_angstrom=1.5)
    vectors = from_centre(drawn, [0.0, 0.5])
    for axis in range(2):
        assert stats.kstest(vectors[:, axis] / 1.5, "norm").pvalue > 0.01
    assert abs(np.corrcoef(vectors.T)[0, 1]) < 0.05


def test_new_atoms_land_where_the_settings_say():
    atoms = slab()
    event = Deposit(element="Cu", every=1, lateral={"kind": "masked", "disc": DISC})
    landed = [
        apply_event(event, 0, step, population(atoms), config_with(event)).positions[-1]
        for step in range(200)
    ]
    plane = atoms.cell.array[:2]
    fractions = np.array(landed)[:, :2] @ np.linalg.inv(plane[:, :2])
    assert np.linalg.norm(from_centre(fractions, DISC["centre"], plane), axis=1).max() <= 3.0


def test_opening_that_is_taken_is_said():
    event = Deposit(
        element="Cu",
        every=1,
        height_angstrom=0.5,
        lateral={"kind": "masked", "disc": {"centre": [0.0, 0.0], "radius_angstrom": 0.5}},
    )
    atoms = slab()
    atoms.positions[:, :2] -= atoms.positions[atoms.positions[:, 2].argmax(), :2]
    with pytest.raises(EventImpossible, match="deposit less often or over more of the surface"):
        apply_event(event, 0, 1, population(atoms), config_with(event))


def test_widest_disc_touches_its_images():
    assert widest_disc(np.diag([7.0, 9.0, 1.0])[:2]) == pytest.approx(3.5)
    assert widest_disc(SKEWED) == pytest.approx(0.5 * min(15.0, 300.0 / 17.0))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "masked"}, "either 'rectangle' or 'disc'"),
        ({"kind": "masked", "disc": {}, "rectangle": {}}, "either 'rectangle' or 'disc'"),
        ({"kind": "masked", "rectangle": {"first": [0.5, 0.5]}}, "first goes from 0.5 to 0.5"),
        ({"kind": "masked", "rectangle": {"second": [0.5, 1.5]}}, "less than or equal to 1"),
        ({"kind": "clustered", "width_angstrom": 0.0}, "width_angstrom"),
        ({"kind": "everywhere"}, "uniform"),
    ],
)
def test_distribution_that_makes_no_sense_is_refused(given, words):
    with pytest.raises(ValidationError, match=words):
        lateral(**given)


def test_disc_that_meets_its_own_images_is_refused():
    atoms = slab()
    disc = {"kind": "masked", "disc": {"radius_angstrom": 4.0}}
    config = settings(events=[{"kind": "deposit", "element": "Cu", "every": 5, "lateral": disc}])
    with pytest.raises(InputError, match=r"radius_angstrom is 4 Å, but a disc beyond 3\.88 Å"):
        check_events(config, check_structure(atoms, config), atoms, COPPER)


def test_atoms_in_flight_do_not_raise_the_height_at_which_the_next_one_starts():
    """Else each of a burst starts above the one before, up to the image of the slab."""
    atoms = slab()
    top = float(atoms.positions[:, 2].max())
    cell, periodic = atoms.cell.array, np.asarray(atoms.pbc)
    assert surface_height(atoms.positions, cell, periodic) == pytest.approx(top)
    over = atoms.positions[atoms.positions[:, 2] > top - 0.1].mean(axis=0)
    landed = [*over[:2], top + 1.8]
    flying = [[*over[:2], top + 7.0], [over[0] + 1.0, over[1], top + 9.0]]  # near each other
    positions = np.vstack([atoms.positions, [landed], flying])
    assert surface_height(positions, cell, periodic) == pytest.approx(top + 1.8)
    alone = np.array(flying)
    assert surface_height(alone, 20 * np.eye(3), np.ones(3, bool)) == pytest.approx(top + 9.0)
