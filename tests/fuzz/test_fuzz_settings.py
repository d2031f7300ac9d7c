"""Extremes and wrong types in every setting of every configuration, one at a time.

The settings are found by walking the models, so that new ones are tried too. What is taken must
also get through the preparation of a run.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml
from ase.build import fcc100
from nested_values import finite
from pydantic.fields import FieldInfo
from reference_models import embedded_pairs

from limlff.cli.main import main
from limlff.config import StrictModel, parse_config
from limlff.config_errors import sections_of
from limlff.configurations import configurations
from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.md.ensembles.build import build_integrator
from limlff.md.simulation.check_events import check_events
from limlff.md.simulation.start import first_state
from limlff.md.system.check_structure import check_structure
from limlff.template import make_template
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.study import HealingStudy
from limlff.yaml_file import parse_yaml

CONFIGURATIONS = configurations()
KINDS = sorted(CONFIGURATIONS)

EXTREMES: list[Any] = [
    *(0, -1, 1, 2, 7, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**23, 10**400, -(10**400)),
    *(0.0, -0.0, 0.5, 1e-9, 1e-300, 5e-324, 1e9, 1e300, -1e300, 1.7976931348623157e308),
    *(math.inf, -math.inf, math.nan, True, False, None),
    *("", " ", "5", "1e400", "nan", "yes", "no", "null", "x" * 5000, "\0", "a\nb", "é", "\x1b[31m"),
    *("~", "~nosuchuser/x", "../" * 2000, "/dev/zero", "/", "npt", "Zz", "li", "Li", "__class__"),
    *([], [0], [1e300, -1e300], [[]], [None, None], ["Li", "Li"], list(range(20_000))),
    *({}, {"kind": "npt"}, {"x": 1e300}, {"a": {"b": {"c": {}}}}, {"kind": ["npt"]}, {"": None}),
    *([{}], [{"kind": "deposit"}], [{"kind": None}], [5], [[[[[[]]]]]], ["a"] * 10_000),
    *(b"bytes", 1j, {1, 2}, object()),
]
"""Values at the ends of what numbers, text and containers can be, and of kinds no file holds."""


def base_of(name: str) -> dict[str, Any]:
    """Settings of which each is changed: those of the template, with all sections written out."""
    configuration = CONFIGURATIONS[name]
    content = parse_yaml(make_template(configuration.model(), configuration.command), name)
    assert isinstance(content, dict)
    if name == "md":
        content |= {"frozen": {"indices": [0]}, "potential": "li", "steps": 10}
        disc = {"kind": "masked", "disc": {"radius_angstrom": 2.0}}
        content["events"] = [{"kind": "deposit", "element": "Li", "every": 5, "lateral": disc}]
    if name == "fusion":
        disc = {"kind": "masked", "disc": {"radius_angstrom": 2.0}}
        content["drive"] = {"kind": "growth", "lateral": disc}
    return content


def variants_of(name: str) -> Iterator[tuple[tuple[str, ...], str, dict[str, Any]]]:
    """Place and name of every setting, within settings in which its section is chosen."""
    kind, base = CONFIGURATIONS[name].model(), base_of(name)
    for section in sections_of(kind):
        if "NAME" in section.path or (name == "learn" and "md" in section.path):
            continue  # settings of molecular dynamics have their turn as a kind of their own
        for field in section.model.model_fields:
            yield section.path, field, chosen(deepcopy(base), section.path, section.model)


def chosen(content: dict[str, Any], path: tuple[str, ...], model: Any) -> dict[str, Any]:
    """The content with a section of this model at this place."""
    own = {name: example(field) for name, field in model.model_fields.items()}
    own = {name: value for name, value in own.items() if value is not None}
    if not path:
        return content
    target: Any = content
    for key in path[:-1]:
        place = int(key) if isinstance(target, list) else key
        if target[place] is None:  # a section that is left out by default
            target[place] = {}
        target = target[place]
    if path[-1] == "0":
        target[:] = [own]
    elif "kind" in own or not isinstance(target.get(path[-1]), dict):
        target[path[-1]] = own
    return content


def example(field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return default.model_dump(mode="json") if isinstance(default, StrictModel) else default


def replaced(content: dict[str, Any], path: tuple[str, ...], key: str, value: Any) -> None:
    target: Any = content
    for place in path:
        target = target[int(place) if isinstance(target, list) else place]
    target[key] = value


SLAB = fcc100("Cu", (2, 2, 4), a=3.66, vacuum=10.0)
POTENTIAL = embedded_pairs(("Cu", "Li"))


def prepare(config: MDConfig) -> None:
    """What is done with a configuration before anything is compiled."""
    structure = check_structure(SLAB, config)
    check_events(config, structure, SLAB, POTENTIAL)
    build_integrator(config, structure)
    structure.table(POTENTIAL, 16)
    state = first_state(SLAB, structure, config, 16)
    assert finite(state.momenta.tolist())


@pytest.mark.parametrize("name", KINDS)
def test_extreme_of_any_setting_is_taken_or_refused_in_one_short_line(name):
    kind = CONFIGURATIONS[name].model()
    refused = taken = 0
    for path, key, content in variants_of(name):
        for value in EXTREMES:
            replaced(content, path, key, value)
            begin = time.process_time()
            try:
                config = parse_config(content, kind, "file.yaml")
                if isinstance(config, MDConfig):
                    prepare(config)
                elif isinstance(config, HealingConfig):
                    HealingStudy().runs(config)
            except InputError as error:
                assert len(str(error)) < 1500, (path, key, value)
                assert str(error).isprintable(), (path, key, value)
                refused += 1
            else:
                dumped = config.model_dump(mode="json")
                assert finite(dumped), (path, key, value)
                assert parse_config(dumped, kind, "again") == config, (path, key, value)
                taken += 1
            assert time.process_time() - begin < 5.0, (path, key, value)
    assert refused > 10 * len(kind.model_fields)
    assert taken > len(kind.model_fields)


@pytest.mark.parametrize("name", KINDS)
def test_settings_that_are_no_mapping_of_known_keys_are_refused(name):
    kind, content = CONFIGURATIONS[name].model(), base_of(name)
    for key in ["", "x" * 10**6, "seed\n", "\x1b[31m", "a.b", "0", "__class__", "model_config"]:
        for value in (5, None, {}, "x" * 10**6, b"bytes"):
            with pytest.raises(InputError) as refusal:
                parse_config({**content, key: value}, kind, "file.yaml")
            assert len(str(refusal.value)) < 400
            assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "settings",
    [
        {"skin_angstrom": 1e300},
        {"steps": 2**63},
        {"structure": "folder"},
        {"structure": "pipe"},
        {"structure": "loop"},
        {"structure": "x" * 5000},
        {"structure": "a\0b"},
        {"potential": "pipe"},
        {"potential": "loop"},
        {"potential": "folder"},
        {"potential": "x" * 5000},
        {"potential": "a\0b"},
        {"potential": "~nosuchuser/x"},
        {"ensemble": {"kind": "nvt_nose_hoover", "tau_fs": 1e300}},
        {"guards": {"min_distance_angstrom": 1e300}},
    ],
)
def test_command_refuses_what_would_never_end_with_code_2(tmp_path, capsys, settings):
    """Through the command line, with files that wait, loop or are none."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "md.yaml"
    path.write_text(yaml.safe_dump({"steps": 5, "structure": "none.extxyz", **settings}))
    assert main(["md", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert len(message) < 1000
    assert not (tmp_path / "out").exists()
