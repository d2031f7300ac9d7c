"""Choice of the keys that hold the labels, and their conversion.

Codes and data sets name labels differently, and a file may hold several of a kind: the free energy
beside the one extrapolated to zero smearing, or a model's prediction beside the reference. The one
that belongs to the forces is taken, and readers report its key, so that no label is misread
unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from limlff.errors import InputError

# Names without prefix, in order of preference: the free energy is the one whose derivative the
# forces are when electrons are smeared.
_STEMS = {
    "energy": ("free_energy", "energy", "total_energy", "totalenergy", "etot", "potential_energy"),
    "forces": ("forces", "force"),
    "stress": ("stress", "virial", "virials", "virial_stress"),
}
# A prefix says that the value is the reference; the bare name may be what a calculator left behind.
_PREFIXES = ("ref_", "dft_", "vasp_", "qm_", "")
# Names that speak of a label, however it is meant.
_LOOKS = {
    "energy": re.compile(r"energy|^(e|pe|e_?0|e_?pot|e_?tot|e_?total|toten)$", re.IGNORECASE),
    "forces": re.compile(r"force|grad|^f(_?[xyz1])?$", re.IGNORECASE),
    "stress": re.compile(r"stress|virial|pressure", re.IGNORECASE),
}
# A stress that is not symmetric to this part of its largest component has its components mixed up.
_ASYMMETRY_LIMIT = 0.05


@dataclass(frozen=True)
class LabelKeys:
    """Keys that hold the labels of a frame; None where there is none.

    Attributes:
        energy: Key of the energy of the cell.
        forces: Key of the forces.
        stress: Key of the stress or virial.
        passed_over: Further keys that could have been taken, each with the key that was.
    """

    energy: str | None = None
    forces: str | None = None
    stress: str | None = None
    passed_over: tuple[tuple[str, str], ...] = ()

    @property
    def is_mixed(self) -> bool:
        """Whether energy and forces are not of one kind: one is called the reference, one not."""
        if self.energy is None or self.forces is None:
            return False
        return bool(_prefix_of(self.energy)) != bool(_prefix_of(self.forces))

    @property
    def stress_is_virial(self) -> bool:
        """Whether the key names a virial, which is -stress * volume."""
        return self.stress is not None and "virial" in self.stress.lower()


def choose_label_keys(frame_keys: Iterable[str], atom_keys: Iterable[str]) -> LabelKeys:
    """Choose the keys of energy, forces and stress among those of a frame.

    A key that says "reference" is preferred to the bare name, which may be what a calculator left
    behind. Keys with the same prefix belong together, so among prefixes the one that brings most
    labels is preferred; then the free energy before others, a stress before a virial.

    Args:
        frame_keys: Keys of values of the whole frame.
        atom_keys: Keys of values per atom.
    """
    candidates = {
        "energy": _candidates(frame_keys, "energy"),
        "forces": _candidates(atom_keys, "forces"),
        "stress": _candidates(frame_keys, "stress"),
    }
    brought = {
        prefix: sum(any(found[0] == prefix for found in keys) for keys in candidates.values())
        for prefix in _PREFIXES
    }
    chosen: dict[str, str | None] = {}
    passed_over: list[tuple[str, str]] = []
    for label, keys in candidates.items():
        ranked = sorted(
            keys,
            key=lambda found: (
                not found[0],
                -brought[found[0]],
                _PREFIXES.index(found[0]),
                found[1],
            ),
        )
        chosen[label] = ranked[0][2] if ranked else None
        passed_over.extend((key, ranked[0][2]) for _, _, key in ranked[1:])
    return LabelKeys(chosen["energy"], chosen["forces"], chosen["stress"], tuple(passed_over))


def _candidates(keys: Iterable[str], label: str) -> list[tuple[str, int, str]]:
    """Prefix, rank of the stem, and key of each that can hold the label."""
    found = []
    for key in keys:
        prefix = _prefix_of(key)
        stem = key.lower().replace("-", "_").removeprefix(prefix)
        if stem in _STEMS[label]:
            found.append((prefix, _STEMS[label].index(stem), key))
    return found


def _prefix_of(key: str) -> str:
    name = key.lower().replace("-", "_")
    return next(prefix for prefix in _PREFIXES if name.startswith(prefix))


def names_a_label(key: str) -> bool:
    """Whether a key can hold a label."""
    return any(_candidates([key], label) for label in _STEMS)


def looks_like_label(key: str, label: str) -> bool:
    """Whether the name of a key that is not read suggests a label, such as `my_forces` or `fx`."""
    return _LOOKS[label].search(key) is not None


def full_stress(values: np.ndarray | Iterable[float], origin: str) -> Float[np.ndarray, "3 3"]:
    """Stress tensor of 6 Voigt components (xx yy zz yz xz xy, ASE's order) or of all 9.

    Args:
        values: The components, in any unit.
        origin: File and frame, for messages.

    Raises:
        InputError: If there are neither 6 nor 9, or the 9 are not symmetric.
    """
    components = np.asarray(values, float).ravel()
    if components.size == 6:
        return components[[0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(3, 3)
    if components.size != 9:
        raise InputError(
            f"{origin}: stress has {components.size} components; write 6 (xx yy zz yz xz xy) or 9"
        )
    tensor = components.reshape(3, 3)
    asymmetry, size = np.abs(tensor - tensor.T).max(), np.abs(tensor).max()
    if asymmetry > _ASYMMETRY_LIMIT * size:
        raise InputError(
            f"{origin}: stress is not symmetric, components differ by {asymmetry:.3g} of "
            f"{size:.3g}; check the order of its components"
        )
    return (tensor + tensor.T) / 2


def stress_from_virial(virial: Float[np.ndarray, "3 3"], volume: float) -> Float[np.ndarray, "3 3"]:
    """Stress, positive in tension (eV/Å^3), of a virial (eV) and a volume (Å^3).

    The virial of VASP, QUIP and DeePMD-kit is the sum of -r (x) dE/dr, positive in compression;
    hence stress = -virial / volume.
    """
    return -virial / volume
