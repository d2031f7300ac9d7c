"""The tree of settings and arrays that DeePMD-kit's backends build an `se_e2_a` model from."""

from __future__ import annotations

from typing import Any

import numpy as np

from limlff.errors import InputError
from limlff.exchange.deepmd_file import Tree
from limlff.models.contract import Parameters
from limlff.models.deepmd import DeepPotSE
from limlff.models.deepmd_network import layer_name
from limlff.potential import Potential


def layer_of(tree: Tree) -> Parameters:
    """Parameters of a layer (float64)."""
    variables = tree["@variables"]
    names = {"weights": "w", "bias": "b", "timestep": "idt"}
    return {
        name: np.asarray(variables[theirs], float)
        for name, theirs in names.items()
        if variables.get(theirs) is not None
    }


def layers_of(trees: list[Tree]) -> Parameters:
    """Parameters of hidden layers by name."""
    return {layer_name(index): layer_of(tree) for index, tree in enumerate(trees)}


def tree_of(potential: Potential) -> Tree:
    """The tree of a DeepPot-SE potential."""
    model = potential.model
    assert isinstance(model, DeepPotSE)
    kept = potential.card.get("deepmd", {})
    precision = _precisions(kept.get("precision"))
    shortest = kept.get("min_nbor_dist") or potential.card.get("training", {}).get(
        "shortest_distance_angstrom"
    )
    if not isinstance(shortest, float):
        shortest = None
    baseline = np.asarray(potential.baseline, float).reshape(1, -1, 1)
    deviations = np.ones(baseline.shape)
    known = kept.get("out_std")
    if isinstance(known, list) and len(known) == baseline.size:
        if not all(isinstance(value, float) for value in known):
            raise InputError("out_std in the card of the potential holds other than numbers")
        deviations = np.array(known).reshape(baseline.shape)
    return {
        "model": {
            "type_map": list(model.elements),
            "atom_exclude_types": [],
            "pair_exclude_types": [],
            "rcond": None,
            "preset_out_bias": None,
            "@variables": {"out_bias": baseline, "out_std": deviations},
            "@class": "Model",
            "@version": 2,
            "type": "standard",
            "descriptor": _descriptor_tree(model, potential.parameters, precision["descriptor"]),
            "fitting": _fitting_tree(model, potential.parameters, precision["fitting"]),
        },
        "model_def_script": _definition(model, precision),
        "@variables": {"min_nbor_dist": None if shortest is None else np.array(shortest)},
    }


def _precisions(kept: Any) -> dict[str, str]:
    """Precision of the nets as in the card; float64 where it tells none that a file can have."""
    given = kept if isinstance(kept, dict) else {}
    return {
        part: "float32" if given.get(part) == "float32" else "float64"
        for part in ("descriptor", "fitting")
    }


def _descriptor_tree(model: DeepPotSE, parameters: Parameters, precision: str) -> Tree:
    number = len(model.elements)
    keys = (
        [(0, neighbor) for neighbor in range(number)]
        if model.one_sided
        else [(centre, neighbor) for neighbor in range(number) for centre in range(number)]
    )
    networks = []
    for centre, neighbor in keys:
        layers = parameters["embedding"][model.embedding_name(centre, neighbor)]
        networks.append(
            {
                "@class": "EmbeddingNetwork",
                "@version": 2,
                "in_dim": 1,
                "neuron": list(model.embedding),
                "activation_function": model.embedding_activation,
                "resnet_dt": model.embedding_timestep,
                "bias": True,
                "precision": precision,
                "layers": _layer_trees(layers, model.embedding_activation, precision),
            }
        )
    average, deviation = _statistics_arrays(model, parameters["statistics"])
    return {
        "@class": "Descriptor",
        "type": "se_e2_a",
        "@version": 2,
        **_descriptor_settings(model),
        "precision": precision,
        "embeddings": {
            "@class": "NetworkCollection",
            "@version": 1,
            "ndim": 1 if model.one_sided else 2,
            "ntypes": number,
            "network_type": "embedding_network",
            "networks": networks,
        },
        "env_mat": {
            "rcut": model.cutoff,
            "rcut_smth": model.smooth_from,
            "protection": model.protection,
            "use_exp_switch": False,
        },
        "@variables": {"davg": average.astype(precision), "dstd": deviation.astype(precision)},
        "type_map": list(model.elements),
        "spin": None,
    }


def _descriptor_settings(model: DeepPotSE) -> Tree:
    return {
        "rcut": model.cutoff,
        "rcut_smth": model.smooth_from,
        "sel": list(model.sel),
        "neuron": list(model.embedding),
        "axis_neuron": model.axis,
        "resnet_dt": model.embedding_timestep,
        "set_davg_zero": model.zero_average,
        "activation_function": model.embedding_activation,
        "type_one_side": model.one_sided,
        "exclude_types": [],
        "env_protection": model.protection,
        "trainable": True,
    }


def _statistics_arrays(model: DeepPotSE, statistics: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Averages and deviations repeated for every neighbor, (elements, neighbors, 4)."""
    shape = (len(model.elements), sum(model.sel), 4)
    average = np.zeros(shape)
    average[:, :, 0] = np.asarray(statistics["average"])[:, None]
    deviation = np.empty(shape)
    deviation[:, :, 0] = np.asarray(statistics["deviation"])[:, None, 0]
    deviation[:, :, 1:] = np.asarray(statistics["deviation"])[:, None, 1:]
    return average, deviation


def _fitting_tree(model: DeepPotSE, parameters: Parameters, precision: str) -> Tree:
    number, inputs = len(model.elements), model.embedding[-1] * model.axis
    networks = []
    for element in model.elements:
        net = parameters["fitting"][element]
        hidden = _layer_trees(net["hidden"], model.fitting_activation, precision)
        output = _layer_tree(net["output"], "none", precision, resnet=False)
        networks.append(
            {
                "@class": "FittingNetwork",
                "@version": 1,
                "in_dim": inputs,
                "out_dim": 1,
                "neuron": list(model.fitting),
                "activation_function": model.fitting_activation,
                "resnet_dt": model.fitting_timestep,
                "precision": precision,
                "bias_out": True,
                "layers": [*hidden, output],
            }
        )
    bias = np.asarray(parameters["bias"], float).reshape(-1, 1)
    empty = ("case_embd", "fparam_avg", "fparam_inv_std", "aparam_avg", "aparam_inv_std")
    return {
        "@class": "Fitting",
        "@version": 4,
        "var_name": "energy",
        "ntypes": number,
        "dim_descrpt": inputs,
        **_fitting_settings(model, precision),
        "mixed_types": False,
        "nets": {
            "@class": "NetworkCollection",
            "@version": 1,
            "ndim": 1,
            "ntypes": number,
            "network_type": "fitting_network",
            "networks": networks,
        },
        "exclude_types": [],
        "@variables": {"bias_atom_e": bias, **dict.fromkeys(empty)},
        "type_map": list(model.elements),
        "tot_ener_zero": False,
        "trainable": [True] * (len(model.fitting) + 1),
        "layer_name": None,
        "spin": None,
        "dim_out": 1,
    }


def _fitting_settings(model: DeepPotSE, precision: str) -> Tree:
    return {
        "type": "ener",
        "neuron": list(model.fitting),
        "resnet_dt": model.fitting_timestep,
        "numb_fparam": 0,
        "numb_aparam": 0,
        "dim_case_embd": 0,
        "default_fparam": None,
        "activation_function": model.fitting_activation,
        "precision": precision,
        "rcond": None,
        "atom_ener": [],
        "use_aparam_as_mask": False,
    }


def _layer_trees(layers: Parameters, activation: str, precision: str) -> list[Tree]:
    return [
        _layer_tree(layers[layer_name(index)], activation, precision, resnet=True)
        for index in range(len(layers))
    ]


def _layer_tree(layer: Parameters, activation: str, precision: str, resnet: bool) -> Tree:
    timestep = layer.get("timestep")
    return {
        "@class": "Layer",
        "@version": 2,
        "bias": True,
        "use_timestep": timestep is not None,
        "activation_function": activation,
        "resnet": resnet,
        "precision": precision,
        "trainable": True,
        "@variables": {
            "w": np.asarray(layer["weights"]).astype(precision),
            "b": np.asarray(layer["bias"]).astype(precision),
            "idt": None if timestep is None else np.asarray(timestep).astype(precision),
        },
    }


def _definition(model: DeepPotSE, precision: dict[str, Any]) -> Tree:
    """What the input of a training would say of the model."""
    descriptor = {"type": "se_e2_a", **_descriptor_settings(model)}
    return {
        "type_map": list(model.elements),
        "descriptor": {**descriptor, "precision": precision["descriptor"]},
        "fitting_net": _fitting_settings(model, precision["fitting"]),
        "type": "standard",
    }
