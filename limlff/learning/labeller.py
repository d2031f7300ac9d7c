"""Settings of the calculator that labels frames, and the limits of one calculation."""

from __future__ import annotations

import hashlib
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from limlff.config import InputPath, StrictModel
from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.learning.carried import Environment, Settings, Word
from limlff.learning.k_points import k_point_mesh
from limlff.learning.tasks import canonical_json
from limlff.quantities import Count, Fraction, Minutes, NonNegative, Positive


class KPoints(StrictModel):
    """Gamma-centred meshes; along a vacuum there is one point.

    Attributes:
        spacing_per_angstrom: Distance of the points, the factor 2 pi included (1/Å).
        tolerance: Part of a further point that is left out.
    """

    spacing_per_angstrom: Positive = 0.34
    tolerance: Fraction = 0.3

    def mesh(self, frame: Frame) -> list[int]:
        """Points along each reciprocal vector."""
        return k_point_mesh(frame, self.spacing_per_angstrom, self.tolerance)


class GPAWSettings(StrictModel):
    """GPAW with plane waves. The energy is the free energy, which goes with the forces.

    Attributes:
        kind: Name of the code.
        cutoff_ev: Cutoff of the plane waves (eV).
        xc: Exchange-correlation functional.
        k_points: Rule for the k-points.
        smearing_ev: Width of the Fermi-Dirac distribution (eV).
        spin_polarized: Whether spins are polarized.
        energy_convergence_ev: Change of the energy per valence electron at the end (eV).
        density_convergence: Change of the density per valence electron at the end.
        eigenstates_convergence_ev2: Residual of the wave functions per valence electron at the end
            (eV^2).
        eigensolver: How they are found. With these two a slab of copper with lithium took half the
            time that it takes with GPAW's own, to which the second try goes back; forces differed
            by up to 7e-4 eV/Å.
        max_scf_steps: Most steps of self-consistency.
        extra: Further keyword arguments of `GPAW`.
        safer: Those of the second try of what did not converge; sections of the same name are
            merged.
    """

    in_cells: ClassVar[bool] = True
    output: ClassVar[tuple[str, str] | None] = ("gpaw.txt", "gpaw-out")

    kind: Literal["gpaw"] = "gpaw"
    cutoff_ev: Positive = 400.0
    xc: str = "PBE"
    k_points: KPoints = KPoints()
    smearing_ev: NonNegative = 0.1
    spin_polarized: bool = False
    energy_convergence_ev: Positive = 5e-5
    density_convergence: Positive = 3e-4
    eigenstates_convergence_ev2: Positive = 1e-6
    eigensolver: str = "rmm-diis"
    max_scf_steps: Count = 60
    extra: Settings = Field(default_factory=dict)
    safer: Settings = Field(
        default_factory=lambda: {
            "eigensolver": "ppcg",
            "convergence": {"eigenstates": 4e-8},
            "maxiter": 120,
        }
    )

    def calculator(self, frame: Frame) -> Settings:
        """Class and keyword arguments of the calculator."""
        return {
            "class": "gpaw:GPAW",
            "mode": {"name": "pw", "ecut": self.cutoff_ev},
            "xc": self.xc,
            "kpts": {"size": self.k_points.mesh(frame), "gamma": True},
            "occupations": {"name": "fermi-dirac", "width": self.smearing_ev},
            "spinpol": self.spin_polarized,
            "convergence": {
                "energy": self.energy_convergence_ev,
                "density": self.density_convergence,
                "eigenstates": self.eigenstates_convergence_ev2,
            },
            "eigensolver": self.eigensolver,
            "maxiter": self.max_scf_steps,
            "txt": "gpaw.txt",
            **self.extra,
        }


class EspressoSettings(StrictModel):
    """Quantum ESPRESSO by ASE.

    Attributes:
        kind: Name of the code.
        command: How pw.x is started, such as "mpirun -n 4 pw.x".
        pseudo_dir: Folder of the pseudopotentials.
        pseudopotentials: File of each element.
        k_points: Rule for the k-points.
        input_data: Namelists of pw.x, such as {system: {ecutwfc: 60, occupations: smearing}}.
        safer: Namelists that are changed in the second try of what did not converge.
    """

    in_cells: ClassVar[bool] = True
    output: ClassVar[tuple[str, str] | None] = ("espresso.pwo", "espresso-out")

    kind: Literal["espresso"] = "espresso"
    command: str = "pw.x"
    pseudo_dir: InputPath = Field(examples=["pseudo"])
    pseudopotentials: dict[str, str] = Field(examples=[{"Li": "li.upf"}])
    k_points: KPoints = KPoints()
    input_data: Settings = Field(examples=[{"system": {"ecutwfc": 60}}])
    safer: Settings = Field(
        default_factory=lambda: {"electrons": {"mixing_beta": 0.1, "electron_maxstep": 300}}
    )

    def calculator(self, frame: Frame) -> Settings:
        """Class and keyword arguments of the calculator."""
        return {
            "class": "ase.calculators.espresso:Espresso",
            "profile": {
                "class": "ase.calculators.espresso:EspressoProfile",
                "command": self.command,
                "pseudo_dir": str(self.pseudo_dir),
            },
            "pseudopotentials": self.pseudopotentials,
            "kpts": self.k_points.mesh(frame),
            "input_data": merged({"control": {"tprnfor": True, "tstress": True}}, self.input_data),
        }


class AbinitSettings(StrictModel):
    """ABINIT by ASE.

    Attributes:
        kind: Name of the code.
        command: How abinit is started.
        pp_paths: Folders of the pseudopotentials.
        k_points: Rule for the k-points.
        parameters: Further keyword arguments of ASE's `Abinit`, such as {ecut: 600, xc: PBE}.
        safer: Those that are changed in the second try of what did not converge.
    """

    in_cells: ClassVar[bool] = True
    output: ClassVar[tuple[str, str] | None] = ("abinit.abo", "abinit-out")

    kind: Literal["abinit"] = "abinit"
    command: str = "abinit"
    pp_paths: tuple[InputPath, ...] = Field(examples=[["pseudo"]])
    k_points: KPoints = KPoints()
    parameters: Settings = Field(examples=[{"ecut": 600.0, "xc": "PBE", "pps": "psp8"}])
    safer: Settings = Field(default_factory=lambda: {"diemix": 0.2, "nstep": 200})

    def calculator(self, frame: Frame) -> Settings:
        """Class and keyword arguments of the calculator."""
        return {
            "class": "ase.calculators.abinit:Abinit",
            "profile": {
                "class": "ase.calculators.abinit:AbinitProfile",
                "command": self.command,
                "pp_paths": [str(path) for path in self.pp_paths],
            },
            "kpts": self.k_points.mesh(frame),
            **self.parameters,
        }


class ASESettings(StrictModel):
    """Any other calculator of ASE, or of a package that gives one.

    Attributes:
        kind: Says that the next setting names the calculator.
        calculator_class: Name that ASE has for it, such as "emt", or its class as "module:Class".
        settings: Its keyword arguments.
        k_points: Rule for the k-points, passed as `kpts`; null for none.
        safer: Keyword arguments of the second try of what did not converge.
    """

    in_cells: ClassVar[bool] = False
    output: ClassVar[tuple[str, str] | None] = None

    kind: Literal["ase"] = "ase"
    calculator_class: str = Field(examples=["emt"])
    settings: Settings = Field(default_factory=dict)
    k_points: KPoints | None = None
    safer: Settings = Field(default_factory=dict)

    def calculator(self, frame: Frame) -> Settings:
        """Class and keyword arguments of the calculator."""
        mesh = {"kpts": self.k_points.mesh(frame)} if self.k_points else {}
        return {"class": self.calculator_class, **mesh, **self.settings}


Code = Annotated[
    GPAWSettings | EspressoSettings | AbinitSettings | ASESettings, Field(discriminator="kind")
]

_PLACES = ("command", "pseudo_dir", "pp_paths", "safer")
"""Settings that do not change what a converged calculation gives."""


class Labeller(StrictModel):
    """What labels frames: a code with its settings, and what one calculation may take.

    Attributes:
        code: The code and its settings.
        python: Python interpreter that the calculator is installed for, with ASE 3.23 or newer;
            left out, that of limlff.
        launcher: Words before the interpreter, such as [mpiexec, -n, 4].
        environment: Environment variables of a calculation.
        max_atoms: Most atoms of a frame.
        memory_gib: Most memory of each process of a calculation (GiB).
        wall_minutes: Longest time on the clock of a calculation (min).
    """

    code: Code = GPAWSettings()
    python: InputPath | None = None
    launcher: tuple[Word, ...] = ()
    environment: Environment = Field(default_factory=lambda: {"OMP_NUM_THREADS": "1"})
    max_atoms: Count = 64
    memory_gib: Positive = 4.0
    wall_minutes: Minutes = 240.0

    @property
    def code_in_words(self) -> str:
        """Name of the code, or the class of the calculator with its settings."""
        if not isinstance(self.code, ASESettings):
            return self.code.kind
        given = ", ".join(f"{name}={value}" for name, value in self.code.settings.items())
        return f"{self.code.calculator_class}({given})"

    @property
    def digest(self) -> str:
        """SHA-256 of all settings that decide energies and forces."""
        settings = self.code.model_dump(mode="json", exclude=set(_PLACES))
        return hashlib.sha256(canonical_json(settings).encode()).hexdigest()

    def calculator(self, frame: Frame, safer: bool) -> Settings:
        """Class and keyword arguments of the calculator for a frame.

        Args:
            frame: The structure.
            safer: Whether with the settings of a second try.

        Raises:
            InputError: If the code needs a cell and the frame has none.
        """
        code = self.code
        if code.in_cells and not frame.volume > 0:
            raise InputError(
                f"{frame.origin or 'a frame'}: has no cell, which {code.kind} needs; give it one "
                "with some vacuum"
            )
        chosen = code.calculator(frame)
        if not safer:
            return chosen
        if isinstance(code, EspressoSettings):
            return merged(chosen, {"input_data": code.safer})
        return merged(chosen, code.safer)

    def periodic(self, frame: Frame) -> list[bool]:
        """Periodicity in the calculation: codes with plane waves have no other cells."""
        if self.code.in_cells:
            return [True, True, True]
        return [bool(flag) for flag in np.asarray(frame.periodic)]


def merged(first: Settings, second: Settings) -> Settings:
    """Settings of both; where both have a section, those of both, and the second's count."""
    inner = {
        key: merged(first[key], value)
        for key, value in second.items()
        if isinstance(value, dict) and isinstance(first.get(key), dict)
    }
    return {**first, **second, **inner}
