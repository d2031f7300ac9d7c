import pytest

from limlff.catalog import find_workflow
from limlff.config import load_config, parse_config
from limlff.errors import InputError
from limlff.workflows.healing.config import HealingConfig as Config


@pytest.mark.parametrize("name", ["healing/quick", "healing/standard"])
def test_shipped_studies_are_valid(name):
    config = load_config(find_workflow(name), Config)
    assert config.pressures_gpa[0] == 0.0
    assert max(config.pressures_gpa) > 0


def test_an_unknown_key_is_refused_with_the_one_meant():
    with pytest.raises(InputError, match="did you mean 'missing_atoms'"):
        parse_config({"hole": {"missing_atom": 3}}, Config, "x.yaml")


@pytest.mark.parametrize(
    "wrong",
    [
        {"mobility_lag_ps": 0.1},
        {"mobility_lag_ps": 50.0},
        {"pressures_gpa": []},
        {"pressures_gpa": [1.0, 1.0]},
        {"pressures_gpa": [1.0, 1.0000001]},  # one folder for both
        {"temperature_k": -1},
        {"repeats": [0, 2, 2]},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        parse_config(wrong, Config, "x.yaml")


def test_steps_of_a_time_are_whole():
    config = parse_config({"dynamics": {"timestep_fs": 1.5}}, Config, "x.yaml")
    assert config.steps(0.5) == 333
    assert config.steps(1e-6) == 1
