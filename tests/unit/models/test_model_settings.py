"""Settings of models: declared once, checked alike in a recipe, a file and the constructor."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pytest

from limlff.config import parse_config
from limlff.errors import InputError
from limlff.models import registry
from limlff.models.deepmd import DeepPotSE
from limlff.models.mace import MaceModel
from limlff.models.moment import MomentModel
from limlff.models.mtp import MomentTensorPotential
from limlff.models.registry import build_model, model_to_settings
from limlff.models.settings import configuration_of
from limlff.training.recipe import Recipe

ALLOWED = [
    ({"cutoff": 5}, {"cutoff": 5.0}),
    ({"cutoff": "5e0"}, {"cutoff": 5.0}),
    ({"cutoff": np.float32(5)}, {"cutoff": 5.0}),
    ({"radial": 6.0}, {"radial": 6}),
    ({"radial": np.int64(6)}, {"radial": 6}),
    ({"hidden": [16.0]}, {"hidden": (16,)}),
    ({"hidden": np.array([16, 8])}, {"hidden": (16, 8)}),
    ({"repulsion": "no"}, {"repulsion": False}),
]


@pytest.mark.parametrize(("given", "meant"), ALLOWED)
def test_a_value_is_of_its_kind_wherever_it_is_given(given, meant):
    """Compiled code reads the bytes of a value, so that 5 is another cutoff than 5.0."""
    expected = MomentModel(("Li",), **meant)
    assert MomentModel(("Li",), **given) == expected
    assert build_model({"elements": ["Li"], **given}) == expected
    recipe = recipe_with(given)
    assert build_model({**recipe.model, "elements": recipe.elements}) == expected
    model = MomentModel(("Li",), **given)
    kinds = [type(getattr(model, field.name)) for field in fields(model)]
    assert kinds == [tuple, float, int, int, int, tuple, str, bool]
    assert repr(model) == repr(expected)  # of which the fingerprint of a training is made


def recipe_with(model) -> Recipe:
    data = [{"name": "a", "files": ["a.xyz"]}]
    return parse_config({"elements": ["Li"], "model": model, "data": data}, Recipe, "recipe.yaml")


def test_recipes_that_mean_the_same_are_the_same():
    """Recipes go into the card, and cards into the file: the same potential is the same bytes."""
    plain, other = recipe_with({"cutoff": 5, "hidden": [8.0]}), recipe_with({"hidden": [8]})
    assert plain.model_dump(mode="json") == other.model_dump(mode="json")
    assert plain.model["channels"] == 16  # complete, with all defaults
    again = parse_config(plain.model_dump(mode="json"), Recipe, "recipe.yaml")
    assert again == plain


REFUSED = [
    ({"hidden": 16}, "hidden is 16; give a list of whole numbers, 1 to 4096"),
    ({"hidden": [0]}, "hidden is [0]"),
    ({"hidden": [4.5]}, "hidden is [4.5]"),
    ({"hidden": [8] * 40}, "at most 16"),
    ({"channels": 8.5}, "channels is 8.5; choose a whole number, 1 to 1024"),
    ({"channels": 10**9}, "channels is 1000000000"),
    ({"channels": 10**5000}, "channels is"),
    ({"channels": True}, "channels is True"),
    ({"cutoff": True}, "cutoff is True"),
    ({"cutoff": 1000.0}, "cutoff is 1000.0; choose a number, 1 to 20"),
    ({"cutoff": float("nan")}, "cutoff is nan"),
    ({"cutoff": None}, "cutoff is None"),
    ({"cutoff": [5.0]}, "cutoff is [5.0]"),
    ({"cutoff": "wide"}, "cutoff is 'wide'"),
    ({"max_degree": 50}, "max_degree is 50"),
    ({"repulsion": "maybe"}, "repulsion is 'maybe'; choose true or false"),
    ({"activation": 3}, "activation is 3; choose tanh or silu"),
    ({"cutof": 5.0}, "unknown key 'model.cutof'; did you mean 'cutoff' (model.cutoff)?"),
    ({"architecture": 3}, "architecture is 3; choose deepmd"),
    ({"architecture": ["moment"]}, "architecture is ['moment']"),
    ({"architecture": "mace", "hidden_degree": 3}, "hidden_degree is 3; choose 0 to max_degree, 2"),
    ({"architecture": "mace", "channels": "16.5"}, "channels is '16.5'"),
    ({"architecture": "deepmd"}, "sel is missing; give a list of whole numbers"),
    ({"architecture": "deepmd", "sel": 20}, "sel is 20; give a list"),
    ({"architecture": "deepmd", "sel": [20, 20]}, "for 1 elements"),
    ({"architecture": "deepmd", "sel": [20], "axis": 101}, "axis is 101"),
    ({"architecture": "deepmd", "sel": [20], "fitting_activation": "x"}, "activation is 'x'"),
    ({"architecture": "mtp", "level": 7}, "level is 7"),
    ({"architecture": "mtp", "level": 16.5}, "level is 16.5"),
    ({"architecture": "mtp", "level": 0, "scalars": [0]}, "basic is []"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_a_value_that_is_not_of_its_kind_is_refused_with_what_it_may_be(given, message):
    with pytest.raises(InputError) as by_name:
        build_model({"elements": ["Li"], **given})
    with pytest.raises(InputError) as by_recipe:
        recipe_with(given)
    for refusal in (str(by_name.value), str(by_recipe.value)):
        assert message in refusal and "\n" not in refusal and len(refusal) < 400
    assert str(by_recipe.value).startswith("recipe.yaml: model")


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        (["Zz", "Li"], "'Zz' is no chemical symbol"),
        (["X"], "'X' is no chemical symbol"),
        (["li"], "'li' is no chemical symbol"),
        (["Li", "Cu", "Li"], "Li stands twice"),
        ([3], "3"),
        ([], "elements"),
        ("Li", "elements"),
        (None, "elements"),
    ],
)
def test_elements_are_different_chemical_symbols(elements, message):
    with pytest.raises(InputError, match=message):
        build_model({"elements": elements})
    with pytest.raises(InputError, match="elements"):
        MomentModel(elements)
    data = [{"name": "a", "files": ["a.xyz"]}]
    with pytest.raises(InputError, match=message):
        parse_config({"elements": elements, "model": {}, "data": data}, Recipe, "recipe.yaml")


def test_elements_of_a_recipe_stand_at_its_top():
    with pytest.raises(InputError, match="elements stand at the top"):
        recipe_with({"elements": ["Cu"]})


TABLE = {"architecture": "mtp", "level": 0, "elements": ["Li"], "basic": [[0, 0, 0, 0]]}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"scalars": [1]}, "scalars name value 1"),
        ({"scalars": [1], "products": [[0, 2, 1, 1]]}, "uses value 2"),
        ({"scalars": [1], "products": [[0, 1, 1, 1]]}, "uses value 1, which is not whole"),
        ({"scalars": [0], "products": [[0, 0, 1, 0]]}, "a component of the moments"),
        ({"scalars": [0], "products": [[0, 0, 1]]}, "products is"),
        ({"scalars": [-1]}, "scalars is"),
        ({"scalars": [0], "basic": [[0, 99, 0, 0]]}, "basic is"),
    ],
)
def test_table_of_a_moment_tensor_potential_names_only_values_that_are_there(table, message):
    with pytest.raises(InputError, match=message):
        build_model({**TABLE, **table})


@pytest.mark.parametrize(
    "model",
    [
        MomentModel(("Li", "Cu"), cutoff=4),
        MaceModel(("Li",), channels=4),
        DeepPotSE(("Li",), sel=(20,)),
        MomentTensorPotential(("Li",), level=6),
    ],
)
def test_configuration_has_the_fields_and_defaults_of_the_model(model):
    kind = configuration_of(type(model))
    assert list(kind.model_fields) == [field.name for field in fields(model)]
    for field in fields(model):
        default = kind.model_fields[field.name]
        assert default.is_required() or default.default == field.default
    settings = model_to_settings(model)
    assert build_model(settings) == model
    assert settings.pop("architecture") in registry.BUILT_IN
    assert kind.model_validate(settings).model_dump() == settings


def test_setting_of_the_model_at_the_top_of_a_recipe_is_answered_with_its_path():
    data = [{"name": "a", "files": ["a.xyz"]}]
    content = {"elements": ["Li"], "model": {}, "data": data, "cutoff": 5.0}
    with pytest.raises(InputError, match=r"unknown key 'cutoff'; did you mean 'model\.cutoff'"):
        parse_config(content, Recipe, "recipe.yaml")


def test_schema_of_a_recipe_knows_the_limits_of_each_architecture():
    choices = Recipe.model_json_schema()["properties"]["model"]["anyOf"]
    by_name = {choice["properties"]["architecture"]["const"]: choice for choice in choices}
    assert by_name.keys() == {"deepmd", "mace", "moment", "mtp"}
    radial = by_name["moment"]["properties"]["radial"]
    assert (radial["minimum"], radial["maximum"], radial["default"]) == (2, 64, 8)
    assert "radial functions" in radial["description"]
    assert "elements" not in by_name["moment"]["properties"]


def test_models_of_other_packages_are_checked_by_their_annotations(monkeypatch):
    @dataclass(frozen=True)
    class Spring:
        elements: tuple[str, ...]
        cutoff: float = 6.0
        shells: tuple[int, ...] = (1,)

    monkeypatch.setattr(registry.ARCHITECTURES, "_registered", {"spring": Spring})
    settings = {"architecture": "spring", "elements": ["Li"]}
    model = build_model({**settings, "cutoff": 5, "shells": [2.0]})
    assert repr(model).endswith("cutoff=5.0, shells=(2,))")
    with pytest.raises(InputError, match="cutoff is 'x'"):
        build_model({**settings, "cutoff": "x"})
