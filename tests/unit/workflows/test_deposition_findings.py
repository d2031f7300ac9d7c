"""What is measured of a film, and what is said of published claims, on films made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import fcc100

from limlff.analysis.film import find_film
from limlff.analysis.interdiffusion import density_profile
from limlff.analysis.layers import Layer
from limlff.md.arrival_rate import ArrivalRate
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.structures.film import bcc_film
from limlff.structures.settings import Slab
from limlff.structures.slab import fcc_slab
from limlff.workflows.deposition.cases import gather
from limlff.workflows.deposition.claims import judge
from limlff.workflows.deposition.config import DepositionConfig
from limlff.workflows.deposition.growth import measure, surface_roughness
from limlff.workflows.deposition.narrative import summary
from limlff.workflows.deposition.outcome import Outcome
from limlff.workflows.deposition.plan import plan_runs
from limlff.workflows.deposition.rest import Rest, RestLayer, measure_rest, most_like
from limlff.workflows.deposition.tables import key_numbers
from limlff.workflows.series import TimeSeries

RATE = ArrivalRate(100.0, 3333.0, 1e9)


def layer(number: int, best: str = "Li(110)", coverage: float = 1.0) -> RestLayer:
    return RestLayer(
        number=number, atoms=50, density=0.119 * coverage, coverage=coverage, height=2.0 * number,
        roughness=0.1, islands=1, scores={best: 0.6}, best=best, psi_4=0.3, psi_6=0.8,
        largest_grain=1.0, in_plane=0.1, along_z=0.1, stays=1.0,
    )  # fmt: skip


def rest(*layers: RestLayer, below: float = 0.0, above: float = 0.0, order: float = 0.97) -> Rest:
    profile = density_profile(find_film(fcc100("Cu", (4, 4, 4), vacuum=10)))
    return Rest(list(layers), below, above, 0.1, order, {"bcc": 0.9}, {"(110)": 0.8}, profile)


def outcome(
    facet: str, *rests: Rest | None, outside: float = 0.0, **feature: object
) -> list[Outcome]:
    slab = {"facet": facet, "vacuum_angstrom": 60, **feature}
    settings = DepositionConfig.model_validate(
        {"slabs": [slab], "repeats": len(rests), "stripping": {}}
    )
    series = TimeSeries(
        np.arange(10.0),
        {
            "atoms": np.arange(10.0),
            "highest_grade": np.full(10, 0.5 + outside),
            "share_outside": np.full(10, outside),
        },
    )
    timing = dict.fromkeys(("seconds_per_plated_atom", "analysis_share"), 1.0)
    return [
        Outcome(name, run, series, own, None, None, "all stages done", 300.0, 300.0, 0, timing)
        for (name, run), own in zip(plan_runs(settings), rests, strict=True)
    ]


def verdicts(*outcomes: Outcome) -> dict[str, str]:
    return {claim.text: claim.verdict for claim in judge(gather(outcomes))}


def test_layers_are_judged_by_what_most_full_ones_are_like():
    """The topmost layer is not full, and does not count."""
    film = [layer(1), layer(2), layer(3), layer(4, "Li(100)", coverage=0.6)]
    found = verdicts(*outcome("100", rest(*film), rest(*film)))
    assert found["Layers on Cu(100) resemble Li(110)."] == "agrees"
    assert found["Layers on Cu(100) resemble Li(100)."] == "disagrees"
    assert found["The first two layers decide what the film becomes."] == "agrees"


def test_facets_that_agree_in_half_of_the_layers_agree_in_part():
    film = [layer(1, "Li(100)"), layer(2, "none"), layer(3, "Li(100)"), layer(4)]
    found = verdicts(*outcome("110", rest(*film[:2], layer(3)), rest(*film)))
    assert found["Layers on Cu(110) resemble Li(100)."] == "agrees in part"


def test_of_layers_that_are_mostly_like_nothing_nothing_is_said():
    film = rest(layer(1, "Li(100)"), layer(2, "none"), layer(3, "none"), layer(4))
    found = verdicts(*outcome("110", film))
    assert found["Layers on Cu(110) resemble Li(100)."] == "not tested"
    assert found["The first two layers decide what the film becomes."] == "not tested"


def test_of_a_slab_whose_copper_stands_above_its_top_plane_from_the_start_nothing_is_said():
    film = rest(layer(1), layer(2), layer(3), above=32)
    assert verdicts(*outcome("100", film, missing_rows=True)) == {}


def test_a_rate_without_a_result_does_not_hide_that_of_another():
    slow = outcome("100", rest(layer(1), above=6.4))
    fast = [replace(each, run=replace(each.run, rate=RATE), rest=None) for each in slow]
    claim = "The interface with Cu(100) stays flat and unalloyed."
    assert verdicts(*fast, *slow)[claim] == "disagrees"


def test_a_quantity_of_a_layer_that_is_not_followed_has_no_curve():
    case = gather(outcome("111", None))[0]
    assert case.curve("coverage_99") is None
    assert case.curve("highest_grade").mean[0] == pytest.approx(0.5)


def test_a_first_layer_that_never_opens_is_not_said_to_have_opened():
    run = outcome("111", None)[0]
    left = run.run.per_layer * np.array([3.0, 2.0, 1.0, 0.5])

    def opened(*coverages: float) -> str:
        series = TimeSeries(np.arange(4.0), {"atoms": left, "coverage_1": np.array(coverages)})
        rows = key_numbers(gather([replace(run, stripping=_graded(series))])).rows
        return {row[0]: row[1] for row in rows}.get(
            "First layer opens when so many layers are left"
        )

    assert opened(1, 1, 1, 0.6) == "1.00"
    assert opened(1, 1, 1, 1) is None


def test_without_grades_the_time_outside_is_not_known():
    run = outcome("111", None)[0]
    blind = run.plating.columns | dict.fromkeys(
        ("highest_grade", "share_outside"), np.full(10, np.nan)
    )
    case = gather([replace(run, plating=TimeSeries(run.plating.time_ps, blind))])[0]
    assert np.isnan(case.longest_outside_ps)
    assert "no uncertainty" in summary(case.outcomes)


def _graded(series: TimeSeries) -> TimeSeries:
    zeros = np.zeros(len(series.time_ps))
    names = ("highest_grade", "share_outside", "film_below", "substrate_above")
    columns = dict.fromkeys(names, zeros) | series.columns
    return TimeSeries(series.time_ps, columns)


def test_without_a_full_layer_nothing_is_said():
    found = verdicts(*outcome("111", rest(layer(1, coverage=0.5)), None))
    assert found["Layers on Cu(111) resemble Li(110)."] == "not tested"
    assert found["The first two layers decide what the film becomes."] == "not tested"


@pytest.mark.parametrize(
    ("below", "above", "flat"),
    [(0.2, 0.0, "agrees"), (1.3, 0.0, "agrees in part"), (0.0, 6.4, "disagrees")],
)
def test_flatness_is_that_of_the_worse_kind_of_exchange(below, above, flat):
    """64 sites: less than 1 % of them, 2 %, and 10 %."""
    film = rest(layer(1), below=below, above=above)
    assert verdicts(*outcome("100", film))["The interface with Cu(100) stays flat and unalloyed."] \
        == flat  # fmt: skip


@pytest.mark.parametrize(
    ("above", "order", "flat", "disordered"),
    [
        (0.0, 0.97, "agrees", "disagrees"),
        (6.4, 0.97, "disagrees", "agrees in part"),
        (0.0, 0.5, "disagrees", "agrees in part"),
        (6.4, 0.5, "disagrees", "agrees"),
    ],
)
def test_an_interface_is_judged_by_its_exchange_and_its_order(above, order, flat, disordered):
    film = rest(layer(1), above=above, order=order)
    assert verdicts(*outcome("100", film))["The interface with Cu(100) stays flat and unalloyed."] \
        == flat  # fmt: skip
    claim = "On Cu(110) copper and lithium exchange, and the interface is disordered."
    assert verdicts(*outcome("110", film))[claim] == disordered


def test_the_lowest_rate_decides():
    """At a high rate layers are like another plane; that is evidence, no verdict."""
    film = rest(layer(1), layer(2))
    other = rest(layer(1, "Li(100)"), layer(2, "Li(100)"), above=6.4)
    slow = outcome("100", film, film)
    rate = ArrivalRate(1.0, 333333.0, 1e11)
    fast = [replace(each, run=replace(each.run, rate=rate), rest=other) for each in slow]
    found = {claim.text: claim for claim in judge(gather([*fast, *slow]))}
    assert found["Layers on Cu(100) resemble Li(110)."].verdict == "agrees"
    assert "1e+11 mA/cm²" in found["Layers on Cu(100) resemble Li(110)."].evidence
    assert found["The interface with Cu(100) stays flat and unalloyed."].verdict == "agrees"


def test_layers_between_two_planes_are_called_by_both():
    leads = [0.01, -0.01, 0.02, -0.02, 0.01, -0.01, 0.0, 0.01]
    close = [{"Li(110)": 0.5 + lead, "Li(hex)": 0.5} for lead in leads]
    assert most_like(close) == "Li(110) or Li(hex)"
    clear = [{"Li(110)": 0.6 + lead, "Li(hex)": 0.5} for lead in leads]
    assert most_like(clear) == "Li(110)"
    assert most_like([{"Li(110)": 0.3, "Li(hex)": 0.1}] * 8) == "none"
    assert most_like([]) == "none"


def test_time_outside_is_without_a_break():
    """1 ps between frames; two frames outside, one inside, three outside."""
    run = outcome("111", None)[0]
    share = np.array([0, 0.02, 0.02, 0, 0.02, 0.02, 0.02, 0, 0, 0])
    series = TimeSeries(run.plating.time_ps, run.plating.columns | {"share_outside": share})
    assert gather([replace(run, plating=series)])[0].longest_outside_ps == 3.0
    rested = replace(run, rest_grades=series)
    assert gather([rested])[0].longest_outside_ps == 3.0


def test_two_sizes_of_one_facet_have_different_names():
    runs = [outcome("100", None, size=[size, 8])[0] for size in (8, 12)]
    assert [case.facet for case in gather(runs)] == ["Cu(100), 8x8", "Cu(100), 12x8"]
    assert gather(runs[:1])[0].facet == "Cu(100)"


def test_runs_outside_the_training_data_are_in_doubt_in_the_first_words():
    assert summary(outcome("111", rest(layer(1)), outside=0.02)).startswith("In doubt: for up to")
    assert "0.50 (1 is the edge" in summary(outcome("111", rest(layer(1))))


def test_roughness_of_terraces_is_that_of_their_heights():
    """Half of the surface 2 Å, a quarter 4 Å and a quarter 6 Å high."""

    def terrace(number: int, height: float, coverage: float) -> Layer:
        return Layer(number, {"Li": 1}, height, 0.0, 0.1, coverage, [1])

    layers = [terrace(0, 0, 1), terrace(1, 2, 1), terrace(2, 4, 0.5), terrace(3, 6, 0.25)]
    heights = np.array([2, 2, 4, 6])
    assert surface_roughness(layers) == pytest.approx(heights.std())
    assert surface_roughness(layers[:2]) == pytest.approx(0.0)


def test_a_film_is_measured_layer_by_layer():
    """Two layers of Li(110), one copper atom exchanged with a lithium atom of the first."""
    slab = fcc_slab("Cu", "110", (8, 8), 6, 3.63, 20.0, 1)
    both, _ = bcc_film(slab, "Li", "110", 2, 3.438, 6.0, 2.6)
    top = int(np.flatnonzero(both.get_tags() == 1)[0])
    first = min(np.flatnonzero(both.numbers == 3), key=lambda i: both.positions[i, 2])
    both.numbers[[top, first]] = 3, 29
    row = measure(find_film(both), 3)
    lithium = int(np.sum(both.numbers == 3))
    assert row["atoms"] == lithium
    assert (row["film_below"], row["substrate_above"]) == (1, 1)
    area = np.linalg.det(both.cell.array[:2, :2])
    assert row["density_1"] == pytest.approx(lithium / 2 / area)
    assert row["coverage_2"] == 1.0 and row["coverage_3"] == 0.0
    assert row["Li(110)_2"] > 0.9 > row["Li(100)_2"]
    assert np.isnan(row["Li(110)_3"])


def test_slabs_and_rates_are_kept_apart():
    first, second = outcome("100", rest(layer(1)))[0], outcome("111", None)[0]
    other = replace(first, run=replace(first.run, rate=RATE))
    cases = gather([first, second, other])
    assert [(case.facet, len(case.outcomes)) for case in cases] == [
        ("Cu(100)", 1), ("Cu(100)", 1), ("Cu(111)", 1)
    ]  # fmt: skip
    assert Slab(facet="111").element == cases[2].slab.element


def frames_of_a_film(vibration: float) -> list[TrajectoryFrame]:
    """Two layers of Li(110) on Cu(111), shaken anew in each of eight frames 1 ps apart."""
    slab = fcc_slab("Cu", "111", (8, 8), 4, 3.63, 20.0, 1)
    both, _ = bcc_film(slab, "Li", "110", 2, 3.438, 6.0, 2.6)
    random = np.random.default_rng(1)
    shape = both.positions.shape
    return [
        TrajectoryFrame(
            step,
            1000.0 * step,
            both.numbers,
            both.positions + random.normal(0, vibration, shape),
            both.cell.array,
        )
        for step in range(8)
    ]


def test_a_film_at_rest_is_measured_over_its_frames():
    found = measure_rest(frames_of_a_film(0.1), "Cu", "Li", lag_ps=2.0)
    assert [layer.best for layer in found.layers] == ["Li(110)", "Li(110)"]
    assert found.interface_order == pytest.approx(1.0, abs=0.02)
    assert found.interface_roughness == pytest.approx(0.1, abs=0.02)
    # <(a - b)^2> = 2 sigma^2 for each direction
    assert found.layers[0].in_plane == pytest.approx(4 * 0.1**2, rel=0.1)
    assert found.layers[0].along_z == pytest.approx(2 * 0.1**2, rel=0.15)
    assert found.layers[1].stays == 1.0


def test_the_order_of_an_interface_falls_when_its_copper_is_displaced():
    frames = frames_of_a_film(0.1)
    top = np.flatnonzero(frames[0].numbers == 29)[-64:]
    for frame in frames:
        frame.positions[top, :2] += np.random.default_rng(2).normal(0, 0.5, (64, 2))
    assert measure_rest(frames, "Cu", "Li", lag_ps=2.0).interface_order < 0.75
