"""What the page of a sweep over holes and pressures says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from limlff.numbers_as_text import counted
from limlff.report.page import Report
from limlff.workflows.claims import claims_table
from limlff.workflows.healing import figures, narrative, sweep_figures, sweep_tables
from limlff.workflows.healing.cases import Case, gather
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.extrapolation import law_in_words, law_of, law_table
from limlff.workflows.healing.healing_claims import judge
from limlff.workflows.healing.outcome import Outcome
from limlff.workflows.healing.wording import host_in_words, load_in_words


def build_sweep_report(settings: HealingConfig, outcomes: Sequence[Outcome], out: Path) -> Report:
    """Everything the page of a sweep says."""
    cases = gather(outcomes)
    energy = settings.surface_energy_j_per_m2
    fit = law_of(outcomes, energy)
    shown = examples(cases)
    drawn = [
        sweep_figures.plot_map(cases, energy, out),
        sweep_figures.plot_survival(cases, out),
        sweep_figures.plot_shrinking(cases, out),
        *([sweep_figures.plot_law(cases, fit, out)] if fit else []),
        figures.draw_snapshots_of(shown, out),
    ]
    tables = [claims_table(judge(cases)), sweep_tables.rim_table(cases)]
    return Report(
        title=f"Healing of holes in {settings.element}: size, pressure, shape, seed",
        simulated=simulated(settings, cases),
        numbers=sweep_tables.closing_table(cases, energy),
        figures=drawn,
        tables=[*tables, *([law_table(fit, cases)] if fit else [])],
        movies=[narrative.movie(each.name, each, out) for each in shown],
        definitions=definitions(settings),
        limits=limits(settings),
    )


def examples(cases: Sequence[Case]) -> list[Outcome]:
    """Runs to be shown: the first of the largest hole at the lowest and the highest pressure."""
    largest = max(case.missing_atoms for case in cases)
    own = [case for case in cases if case.missing_atoms == largest]
    own = [case for case in own if case.shape == own[0].shape]
    own.sort(key=lambda case: case.pressure_gpa)
    return [case.outcomes[0] for case in (own[:1] if len(own) == 1 else [own[0], own[-1]])]


def summary(settings: HealingConfig, outcomes: Sequence[Outcome]) -> str:
    """What was found of each claim, and the rate law."""
    cases = gather(outcomes)
    closed = sum(len(case.times.events) for case in cases)
    return " ".join(
        [
            f"{closed} of {counted(len(outcomes), 'hole')} closed.",
            *(f"{claim.text[:-1]}: {claim.verdict}." for claim in judge(cases)),
            law_in_words(law_of(outcomes, settings.surface_energy_j_per_m2)),
        ]
    )


def simulated(settings: HealingConfig, cases: Sequence[Case]) -> str:
    """What was done, in sentences."""
    dynamics, reference, sweep = settings.dynamics, settings.reference, settings.sweep
    sites = [case.outcomes[0].run.sites for case in cases]
    size = f"{min(sites)} to {max(sites)}" if min(sites) < max(sites) else f"{min(sites)}"
    pressures = ", ".join(f"{pressure:g}" for pressure in settings.pressures_gpa)
    return (
        f"{host_in_words(settings, cases[0].outcomes[0].run)}, and alike for the other holes "
        f"({size} atoms in all), periodic in all directions, were held at "
        f"{settings.temperature_k:g} K and {pressures} GPa for "
        f"{reference.equilibration_ps + reference.duration_ps:g} ps, the last "
        f"{reference.duration_ps:g} ps of which gave the density of reference. Holes of "
        f"{', '.join(map(str, settings.sizes))} atoms ({', '.join(settings.shapes)}) were cut, "
        f"{counted(sweep.seeds, 'run')} of each"
        + (", each at a place and with velocities of its own" if sweep.seeds > 1 else "")
        + f". Molecular dynamics with a time step of {dynamics.timestep_fs:g} fs; pressure by "
        "stochastic cell rescaling, "
        f"{load_in_words(dynamics)}, temperature by stochastic velocity rescaling; model "
        "arithmetic in "
        f"{dynamics.dtype}. A run ends when the hole has been closed for "
        f"{settings.closed.for_ps + settings.closed.go_on_ps:g} ps, or after "
        f"{dynamics.duration_ps:g} ps."
    )


def definitions(settings: HealingConfig) -> list[tuple[str, str]]:
    """Meaning of every quantity on the page of a sweep."""
    near = settings.near_angstrom
    known = narrative.definitions(near, settings.mobility_lag_ps, settings.closed)
    return [
        *(entry for entry in known if entry[0] not in ("Void volume", "Mobility")),
        (
            "Closing time",
            "From the cut to the first frame from which on the hole counts as closed; frames are "
            f"{settings.dynamics.frame_every_ps:g} ps apart. The time of a run that ended with an "
            "open hole is a lower limit (right-censored).",
        ),
        (
            "Median closing time",
            "When half of the holes are closed, after Kaplan and Meier, with limits after "
            "Brookmeyer "
            "and Crowley (log-log scale). Where no hole closed: the lower limit for closing at "
            "random, from all the time watched, at a confidence of 95 %.",
        ),
        (
            "Weibull shape",
            "Exponent k of exp(-(t/s)^k), fitted by maximum likelihood: 1 for closing at random, "
            "large where all times are alike. From few runs it is too large.",
        ),
        (
            "Radius, 2γ/R",
            "Of a sphere of the volume of the missing atoms; γ is "
            f"{settings.surface_energy_j_per_m2:g} J/m², a surface energy at 0 K.",
        ),
        (
            "Inertia alone",
            "Time in which a hole of this size would collapse under pressure and surface tension "
            "in "
            "a fluid without viscosity (Rayleigh 1917, with surface tension): none closes faster.",
        ),
        (
            "Displacements by order",
            f"Mean-square displacement over {settings.mobility_lag_ps:g} ps, vibrations included, "
            "of "
            "atoms that are in disorder or in bcc order when it begins, near the hole (rim) or "
            "anywhere, as long as the hole is open.",
        ),
        (
            "Rate law",
            "dR/dt = -B R (P + 2γ/R)^n, as for a void in a solid that creeps; to its time that of "
            "inertia alone is added. B, n and the scatter of ln(time) by maximum likelihood, "
            "limits "
            "from 200 sets of runs drawn anew.",
        ),
    ]


def limits(settings: HealingConfig) -> list[str]:
    """What a sweep does not say."""
    return [
        "Stack pressures of real cells are 0.1 to 10 MPa, a hundredth to a ten-thousandth of those "
        "simulated. A hole of a few nanometres is closed by its surface tension, to which such a "
        "pressure adds nothing; pressure matters for holes above 2γ/P, 0.1 to 10 µm, which the "
        "rate "
        "law reaches only by going beyond all that was simulated.",
        "The rate law holds for what closes holes in picoseconds: atoms that give way under "
        "stresses "
        "near the strength of the crystal. At low stress lithium creeps by dislocations and "
        "diffusion over times that molecular dynamics does not reach, with another exponent and an "
        "activation energy, which runs at one temperature cannot tell. Contaminated surfaces do "
        "not "
        "close at all.",
        "Limits of 95 % are those of the scatter between runs, not of the law, the potential or "
        "the "
        "size of the cell.",
        *narrative.limits_of_the_cell(),
    ]
