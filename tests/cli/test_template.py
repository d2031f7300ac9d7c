"""`limlff template` and `limlff schema`: each kind of YAML file, made from its model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from limlff.cli.main import main
from limlff.config import StrictModel, load_config, parse_config
from limlff.configurations import configurations
from limlff.docstrings import attribute_descriptions
from limlff.yaml_file import parse_yaml

CONFIGURATIONS = configurations()
KINDS = sorted(CONFIGURATIONS)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 0
    return capsys.readouterr().out


def models_of(kind: type[StrictModel]) -> list[type[StrictModel]]:
    """A configuration and all sections of it, found by the schema's own names."""
    known, waiting = {kind}, [*StrictModel.__subclasses__()]
    names = set(kind.model_json_schema().get("$defs", {}))
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if model.__name__ in names and model.__module__.startswith("limlff"):
            known.add(model)
    return sorted(known, key=lambda model: model.__name__)


@pytest.mark.parametrize("name", KINDS)
def test_template_is_read_back_to_the_defaults(name, tmp_path, capsys):
    """What it says for each setting is what the setting is if it is left out."""
    kind = CONFIGURATIONS[name].model()
    path = tmp_path / f"{name}.yaml"
    path.write_text(printed(capsys, "template", name))
    found = load_config(path, kind)
    required = {key for key, field in kind.model_fields.items() if field.is_required()}
    assert set(parse_yaml(path.read_text(), "template")) == set(kind.model_fields)
    bare = {key: yaml.safe_load(path.read_text())[key] for key in required}
    if name == "train":
        bare["model"] = {}
        bare["data"] = [{key: bare["data"][0][key] for key in ("name", "files")}]
    assert found == parse_config(bare, kind, "bare", tmp_path)


@pytest.mark.parametrize("name", KINDS)
def test_every_setting_has_a_description_in_docstring_schema_and_template(name, capsys):
    kind = CONFIGURATIONS[name].model()
    schema = json.loads(printed(capsys, "schema", name))
    template = " ".join(printed(capsys, "template", name).replace("#", " ").split())
    for model in models_of(kind):
        own = schema if model is kind else schema["$defs"][model.__name__]
        said = attribute_descriptions(model)
        assert set(said) == set(model.model_fields), model
        for key in model.model_fields:
            assert own["properties"][key]["description"] == said[key]
            if "const" not in own["properties"][key]:
                assert said[key] in template, key


def test_alternatives_in_the_template_are_valid_once_their_comment_signs_are_gone(capsys):
    text = printed(capsys, "template", "md")
    start = text.index("\nensemble:") + 1
    ensemble = text[start : text.index("\n\n# Drawn from")]
    for variant in ensemble.split("  # Or:\n")[1:]:
        lines = [line.replace("  # ", "  ", 1) for line in variant.splitlines() if "#" in line]
        content = parse_yaml("ensemble:\n" + "\n".join(lines), "variant")
        parse_config({"steps": 5, **content}, CONFIGURATIONS["md"].model(), "variant")
    assert len(ensemble.split("  # Or:\n")) == 4
    events = text[text.index("# events:") : text.index("\n\n# Arithmetic")]
    content = parse_yaml(re.sub(r"^# ?", "", events, flags=re.MULTILINE), "events")
    config = parse_config({"steps": 5, **content}, CONFIGURATIONS["md"].model(), "events")
    assert [event.kind for event in config.events] == ["deposit", "strip", "remove"]


def violations(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> list[str]:
    """Why a value does not satisfy a JSON schema; knows the words that ours use."""
    if "$ref" in schema:
        return violations(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    found: list[str] = []
    for word in {"anyOf", "oneOf"} & set(schema):
        fitting = [not violations(value, each, root) for each in schema[word]]
        if not any(fitting) or (word == "oneOf" and sum(fitting) > 1):
            found.append(f"{value} fits {sum(fitting)} of {word}")
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "null": type(None),
        "integer": int,
        "number": int | float,
    }
    if "type" in schema:
        is_truth = isinstance(value, bool) and schema["type"] != "boolean"
        if is_truth or not isinstance(value, kinds[schema["type"]]):
            return [f"{value} is no {schema['type']}"]
    if "const" in schema and value != schema["const"]:
        found.append(f"{value} is not {schema['const']}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{value} is none of {schema['enum']}")
    limits = {
        "minimum": lambda limit: value >= limit,
        "maximum": lambda limit: value <= limit,
        "exclusiveMinimum": lambda limit: value > limit,
        "exclusiveMaximum": lambda limit: value < limit,
        "minItems": lambda limit: len(value) >= limit,
        "maxItems": lambda limit: len(value) <= limit,
        "minLength": lambda limit: len(value) >= limit,
        "required": lambda keys: set(keys) <= set(value),
    }
    found += [
        f"{value}: {word}"
        for word, holds in limits.items()
        if word in schema and not holds(schema[word])
    ]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for key, item in value.items():
            if key in known:
                found += violations(item, known[key], root)
            elif schema.get("additionalProperties") is False:
                found.append(f"unknown {key}")
            elif isinstance(schema.get("additionalProperties"), dict):
                found += violations(item, schema["additionalProperties"], root)
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        for item, own in zip(
            value, [*first, *[schema.get("items", {})] * len(value)], strict=False
        ):
            found += violations(item, own, root)
    return found


def keywords_of(schema: Any) -> set[str]:
    """All words of a schema but the names of its properties."""
    if isinstance(schema, list):
        return {word for each in schema for word in keywords_of(each)}
    if not isinstance(schema, dict):
        return set()
    named = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    others = [
        value for key, value in schema.items() if key not in ("properties", "$defs", "default")
    ]
    return set(schema) | {word for each in [*named, *others] for word in keywords_of(each)}


@pytest.mark.parametrize("name", KINDS)
def test_limits_stand_in_the_schema_in_its_own_words(name, capsys):
    """Not as pydantic's `le`, which no editor knows."""
    schema = json.loads(printed(capsys, "schema", name))
    assert not {"ge", "le", "gt", "lt"} & keywords_of(schema)
    if name == "md":
        assert schema["properties"]["chunk_steps"]["maximum"] == 100_000
        assert schema["properties"]["skin_angstrom"]["maximum"] == 5.0


@pytest.mark.parametrize("name", KINDS)
def test_schema_admits_the_template_and_refuses_what_the_loader_refuses(name, capsys):
    schema = json.loads(printed(capsys, "schema", name))
    content = parse_yaml(printed(capsys, "template", name), "template")
    assert violations(content, schema, schema) == []
    assert violations({**content, "sead": 1}, schema, schema)
    assert violations({**content, "seed": -1}, schema, schema)
    assert violations({**content, "seed": True}, schema, schema)


def test_schema_admits_shipped_inputs():
    root = Path(__file__).resolve().parents[2]
    found = 0
    for file in [*root.glob("workflows/*/*.yaml"), *root.glob("potentials/*/recipe.yaml")]:
        content = parse_yaml(file.read_text(), file.name)
        name = content.get("study", "train")
        schema = CONFIGURATIONS[name].model().model_json_schema()
        assert violations(content, schema, schema) == [], file
        found += 1
    assert found >= 3


@pytest.mark.parametrize("command", ["template", "schema"])
def test_unknown_kind_names_the_one_meant_and_no_kind_lists_all(command, capsys):
    assert main([command, "heeling"]) == 2
    message = capsys.readouterr().err
    assert "did you mean 'healing'?" in message
    assert message.count("\n") == 1
    assert printed(capsys, command).count("limlff ") == len(KINDS)
