"""The section `model` of a recipe: the settings of one architecture, converted and complete.

Architectures may come from other packages and are imported when one is asked for, so that the
section is no fixed class; schemas and templates see those of this package.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler

from limlff.config import StrictModel
from limlff.errors import InputError


def complete_settings(settings: dict[str, Any], elements: list[str]) -> dict[str, Any]:
    """Settings with all defaults, each of its kind, from which `build_model` makes the model.

    Args:
        settings: "architecture" and what that one has, as in a recipe.
        elements: Chemical symbols.

    Raises:
        InputError: If one is unknown or not allowed.
    """
    from limlff.models.registry import build_model, model_to_settings  # jax takes long to import

    if "elements" in settings:
        raise InputError("elements stand at the top of a recipe; take them out of 'model'")
    complete = model_to_settings(build_model({**settings, "elements": elements}))
    del complete["elements"]
    return complete


def trainable_configurations() -> dict[str, type[StrictModel]]:
    """Configuration classes of the architectures of this package that can be trained, by name."""
    from limlff.models.registry import BUILT_IN, architecture_by_name
    from limlff.models.settings import configuration_of

    names = [name for name in BUILT_IN if name != "deepmd-table"]  # made of a trained model
    return {name: configuration_of(architecture_by_name(name)) for name in names}


class _OneOfTheArchitectures:
    """What schemas and templates see of the section."""

    choice = "architecture"
    left_out = ("elements",)

    def sections(self) -> dict[str, type[StrictModel]]:
        """Settings of each architecture, the default first."""
        kinds = trainable_configurations()
        return {"moment": kinds.pop("moment"), **kinds}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        kinds = trainable_configurations()
        choices = [_schema_of(name, kind) for name, kind in kinds.items()]
        return {"title": "Model", "type": "object", "anyOf": choices}


def _schema_of(name: str, kind: type[StrictModel]) -> dict[str, Any]:
    schema = kind.model_json_schema()
    del schema["properties"]["elements"]
    chosen = {"architecture": {"const": name, "description": "Name of the architecture."}}
    schema["properties"] = chosen | schema["properties"]
    needed = [key for key in schema.pop("required", []) if key != "elements"]
    if name != "moment":  # the default
        needed.insert(0, "architecture")
    return schema | ({"required": needed} if needed else {})


ModelSettings = Annotated[dict[str, Any], _OneOfTheArchitectures()]
"""Settings of a model, checked by the recipe together with its elements."""
