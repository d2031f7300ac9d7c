import logging

import numpy as np
import pytest
import yaml

from limlff.config import load_config, parse_config
from limlff.errors import InputError
from limlff.structures.settings import Slab, Surface, build_slab, build_surface
from limlff.template import make_template


def surface(**sections):
    return parse_config(sections, Surface, "surface.yaml")


def test_yaml_makes_the_slab_with_its_film(tmp_path, caplog):
    """Miller indices with and without quotes; the strain is in the atoms and in the log."""
    file = tmp_path / "surface.yaml"
    file.write_text(
        'slab: {facet: "110", size: [8, 8], layers: 6}\nfilm: {orientation: 110, layers: 2}\n'
    )
    with caplog.at_level(logging.INFO):
        atoms = build_surface(load_config(file, Surface))
    assert atoms.symbols.formula.count() == {"Cu": 384, "Li": 144}
    assert (atoms.info["facet"], atoms.info["film"]) == ("Cu(110)", "Li(110)")
    assert np.abs(atoms.info["film_strain_percent"]).max() < 1
    assert "Li(110) on Cu(110) is strained by -0.4" in caplog.text


@pytest.mark.parametrize(
    ("feature", "extra", "said"),
    [
        ({"step": 2}, 8 * 4 + 8 * 3, "step of height 2"),  # rows of the lower and the upper plane
        ({"island": 7}, 7, "island of size 7"),
        ({"missing_rows": True}, -32, "missing rows"),
        ({"vacancies": 3}, -3, "vacancies: 3"),
    ],
)
def test_features_are_added_to_the_layers_asked_for(feature, extra, said):
    slab = build_slab(Slab(facet="100", size=(8, 8), layers=4, **feature))
    assert len(slab) == 4 * 64 + extra
    assert said in slab.info["surface"]
    assert len(slab.constraints[0].index) == 128


def test_pseudomorphic_film_by_its_settings():
    atoms = build_surface(surface(slab={"facet": 100}, film={"orientation": "pseudomorphic"}))
    assert atoms.symbols.formula.count() == {"Cu": 384, "Li": 128}


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"slab": {"facet": 112}}, r"slab\.facet.*'100', '110' or '111'"),
        ({"slab": {"step": 1, "island": 7}}, "step and island cannot be combined"),
        ({"slab": {"step": 1}, "film": {}}, r"leave out film, or slab\.step"),
        ({"slab": {"size": [10**5, 10**5]}}, "the limit is 20000000"),
        ({"slab": {"steps": 1}}, r"'slab\.steps'; did you mean 'step'"),
        ({"film": {"max_strain_percent": 0}}, "max_strain_percent"),
    ],
)
def test_settings_that_make_no_surface_are_refused_when_they_are_read(sections, said):
    with pytest.raises(InputError, match=said):
        surface(**sections)


def test_template_gives_the_defaults():
    assert surface(**yaml.safe_load(make_template(Surface, "a study"))) == Surface()
