"""DeePMD-kit's `se_e2_a` models as potentials, and back.

What the file says beyond the model (shortest distance of the data, precision of the nets) is kept
in the potential's card under `deepmd`, so that a model goes through unchanged, bit for bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from limlff.errors import InputError, shown
from limlff.exchange.deepmd_file import Tree, read_tree, write_tree
from limlff.exchange.deepmd_tree import layer_of, layers_of, tree_of
from limlff.exchange.elements import refuse_unknown_elements
from limlff.models.arrays import expected_shapes, flatten_parameters
from limlff.models.contract import Parameters
from limlff.models.deepmd import DeepPotSE
from limlff.models.deepmd_network import ACTIVATIONS
from limlff.models.registry import name_of_architecture
from limlff.potential import Potential
from limlff.potential_file import check_arrays
from limlff.precision import own_precision
from limlff.zip_members import DAMAGED


@own_precision()
def import_deepmd(path: Path, elements: list[str] | None = None) -> Potential:
    """Read a model of DeePMD-kit (`.dp`, `.yaml`).

    Args:
        path: The file.
        elements: Chemical symbols of its types, where its own type_map holds others.

    Raises:
        InputError: If it cannot be read, or holds what DeepPot-SE here does not have.
    """
    tree = read_tree(path)
    try:
        if elements is not None:
            tree["model"]["type_map"] = elements
        return _potential_of(tree)
    except InputError as error:
        raise InputError(f"{shown(path)}: {error}") from error
    except DAMAGED as error:
        raise InputError(
            f"{shown(path)}: is no se_e2_a energy model as DeePMD-kit 3 writes it "
            f"({shown(repr(error), 200)})"
        ) from error


def export_deepmd(potential: Potential, path: Path) -> None:
    """Write a DeepPot-SE potential for DeePMD-kit (`.dp`, `.yaml`).

    Raises:
        InputError: If it is of another architecture, or the file cannot be written.
    """
    if type(potential.model) is not DeepPotSE:
        raise InputError(
            f"{path}: only a 'deepmd' potential can be written for DeePMD-kit, this one is "
            f"'{name_of_architecture(type(potential.model))}'"
        )
    write_tree(tree_of(potential), path)


def _potential_of(tree: Tree) -> Potential:
    model = tree["model"]
    descriptor, fitting = model["descriptor"], model["fitting"]
    _refuse_unsupported(model)
    settings = _settings(model)
    refuse_unknown_elements(settings["elements"])
    architecture = DeepPotSE(**settings)
    parameters = {
        "embedding": _embedding_nets(architecture, descriptor),
        "fitting": {
            element: {
                "hidden": layers_of(net["layers"][:-1]),
                "output": layer_of(net["layers"][-1]),
            }
            for element, net in zip(architecture.elements, fitting["nets"]["networks"], strict=True)
        },
        "bias": np.array(fitting["@variables"]["bias_atom_e"], float).reshape(-1),
        "statistics": _statistics(descriptor),
    }
    shortest = tree.get("@variables", {}).get("min_nbor_dist")
    card: dict[str, Any] = {
        "imported_from": f"DeePMD-kit {tree.get('version', '')}".strip(),
        "deepmd": {
            "min_nbor_dist": None if shortest is None else float(shortest),
            "out_std": np.array(model["@variables"]["out_std"], float).reshape(-1).tolist(),
            "precision": {part: model[part]["precision"] for part in ("descriptor", "fitting")},
        },
    }
    baseline = np.array(model["@variables"]["out_bias"], float).reshape(-1)
    potential = Potential(architecture, parameters, baseline, card)
    _check_layers(potential)
    check_arrays(potential)
    return potential


def _check_layers(potential: Potential) -> None:
    """Refuse nets that do not have the layers which the settings ask for."""
    asked = expected_shapes(potential.model).keys()
    if asked != flatten_parameters(potential.parameters).keys():
        raise InputError(
            "its nets do not have the layers, biases and time steps that its settings ask for; "
            "convert the model again with DeePMD-kit"
        )


def _settings(model: Tree) -> dict[str, Any]:
    descriptor, fitting = model["descriptor"], model["fitting"]
    return {
        "elements": tuple(model["type_map"]),
        "sel": tuple(descriptor["sel"]),
        "cutoff": float(descriptor["rcut"]),
        "smooth_from": float(descriptor["rcut_smth"]),
        "embedding": tuple(descriptor["neuron"]),
        "axis": descriptor["axis_neuron"],
        "fitting": tuple(fitting["neuron"]),
        "embedding_timestep": descriptor["resnet_dt"],
        "fitting_timestep": fitting["resnet_dt"],
        "embedding_activation": _activation(descriptor["activation_function"]),
        "fitting_activation": _activation(fitting["activation_function"]),
        "one_sided": descriptor["type_one_side"],
        "zero_average": descriptor["set_davg_zero"],
        "protection": float(descriptor.get("env_protection", 0.0)),
    }


def _activation(name: str) -> str:
    aliases = {"none": "linear", "gelu_tf": "gelu"}
    known = aliases.get(name.lower(), name.lower())
    if known not in ACTIVATIONS:
        raise InputError(
            f"activation_function is '{shown(name)}'; known are {', '.join(ACTIVATIONS)}. Train "
            "the model again with one of them"
        )
    return known


def _refuse_unsupported(model: Tree) -> None:
    descriptor, fitting = model["descriptor"], model["fitting"]
    required: list[tuple[str, Any, tuple[Any, ...]]] = [
        ("model type", model.get("type", "standard"), ("standard",)),
        ("descriptor type", descriptor["type"], ("se_e2_a", "se_a")),
        ("fitting type", fitting.get("type", "ener"), ("ener",)),
        ("atom_exclude_types", model.get("atom_exclude_types"), ([], None)),
        ("pair_exclude_types", model.get("pair_exclude_types"), ([], None)),
        ("exclude_types of the descriptor", descriptor.get("exclude_types"), ([], None)),
        ("exclude_types of the fitting", fitting.get("exclude_types"), ([], None)),
        ("spin", descriptor.get("spin"), (None,)),
        ("use_exp_switch", descriptor["env_mat"].get("use_exp_switch", False), (False,)),
        ("numb_fparam", fitting.get("numb_fparam", 0), (0,)),
        ("numb_aparam", fitting.get("numb_aparam", 0), (0,)),
        ("dim_case_embd", fitting.get("dim_case_embd", 0), (0,)),
        ("mixed_types", fitting.get("mixed_types", False), (False,)),
        ("atom_ener", fitting.get("atom_ener"), ([], None)),
    ]
    for key, value, allowed in required:
        if value not in allowed:
            raise InputError(
                f"{key} is {shown(repr(value))}, but only {allowed[0]!r} can be imported; train "
                "the model without it"
            )


def _embedding_nets(architecture: DeepPotSE, descriptor: Tree) -> Parameters:
    """Nets by name; DeePMD-kit numbers them with the element of the centre running fastest."""
    number = len(architecture.elements)
    networks = descriptor["embeddings"]["networks"]
    nets = {}
    for index, network in enumerate(networks):
        neighbor, centre = (index, 0) if architecture.one_sided else divmod(index, number)
        nets[architecture.embedding_name(centre, neighbor)] = layers_of(network["layers"])
    return nets


def _statistics(descriptor: Tree) -> Parameters:
    """Average and deviations of each element of the centre, the same for all neighbors of a row."""
    average = np.asarray(descriptor["@variables"]["davg"], float)
    deviation = np.asarray(descriptor["@variables"]["dstd"], float)
    same_for_all = all(np.all(array == array[:, :1]) for array in (average, deviation))
    isotropic = np.all(average[..., 1:] == 0) and np.all(deviation[..., 1:] == deviation[..., 1:2])
    if not (same_for_all and isotropic):
        raise InputError(
            "davg or dstd differ between the slots or the directions of a centre, so that "
            "energies would depend on the order of neighbors; compute the statistics anew"
        )
    return {"average": average[:, 0, 0], "deviation": deviation[:, 0, :2]}
