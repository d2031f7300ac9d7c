"""How commands end that are stopped from outside: one line, the right code, nothing half."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

import limlff.named_potential
from limlff.cli.endings import ending_of
from limlff.cli.main import main
from limlff.errors import InputError
from limlff.exchange.deepmd_file import read_tree, write_tree


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Labelled frames, settings and recipe; names without a folder, as users write them."""
    monkeypatch.chdir(tmp_path)
    frames = []
    for seed in range(3):
        atoms = bulk("Li", cubic=True).repeat(2)
        atoms.rattle(0.05, seed=seed)
        forces = np.random.default_rng(seed).normal(0, 0.1, (16, 3))
        atoms.calc = SinglePointCalculator(atoms, energy=-30.0, forces=forces)
        frames.append(atoms)
    write("dft.extxyz", frames)
    Path("md.yaml").write_text("# mine\nstructure: dft.extxyz\nsteps: 5\n")
    recipe = {
        "elements": ["Li"],
        "model": {"cutoff": 4.0, "radial": 3, "channels": 2, "max_degree": 1, "hidden": []},
        "data": [{"name": "own", "files": ["dft.extxyz"]}],
        "least_squares": "only",
        "uncertainty": None,
        "validation": {"fraction": 0},
    }
    Path("recipe.yaml").write_text("# mine\n" + yaml.safe_dump(recipe))
    Path("settings.yaml").write_text("# mine\nstudy: healing\n")
    Path("old.json").write_text("{}")
    Path("old.limlff").write_text("no potential")
    Path("old.mtp").write_text("MTP")
    Path("old").mkdir()
    Path("old/parity-force.png").write_text("a figure")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


UNASKED = [
    "label li dft.extxyz --out dft.extxyz",
    "label li dft.extxyz --out dft.extxyz --force",
    "data convert dft.extxyz dft.extxyz --force",
    "data convert . dft.extxyz --force",
    "data convert dft.extxyz old.json",
    "data check dft.extxyz --json dft.extxyz --force",
    "data check dft.extxyz --json old.json",
    "evaluate li dft.extxyz --json old.json",
    "evaluate li dft.extxyz --json dft.extxyz --force",
    "evaluate li dft.extxyz --plots old",
    "evaluate old.limlff dft.extxyz --json old.limlff --force",
    "bench li --json old.json",
    "import old.mtp old.mtp --force",
    "import old.mtp old.limlff",
    "export old.mtp old.mtp --force",
    "export li old.mtp",
    "md md.yaml --out .",
    "md md.yaml --out . --force",
    "train recipe.yaml --out .",
    "train recipe.yaml --out . --force",
    "run settings.yaml --out .",
    "run settings.yaml --out . --force",
    "run healing/quick --out .",
    "md md.yaml --out old.json",
    "train recipe.yaml --out old.json --force",
    "run healing/quick --out old.json --force",
]


@pytest.mark.parametrize("words", UNASKED)
def test_nothing_is_replaced_unasked_and_no_input_ever(folder, capsys, words):
    before = contents(folder)
    assert main(words.split()) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and message.startswith(f"limlff {words.split()[0]}: ")
    assert contents(folder) == before


def test_a_training_without_steps_is_not_replaced_unasked_either(folder, capsys):
    """Least squares alone leave no checkpoint, but a potential."""
    command = ["train", "recipe.yaml", "--out", "fit", "--quiet"]
    assert main(command) == 0
    first = Path("fit/potential.limlff").read_bytes()
    assert main([*command, "--set", "seed=5"]) == 2
    assert "holds a training already" in capsys.readouterr().err
    assert Path("fit/potential.limlff").read_bytes() == first
    assert main([*command, "--set", "seed=5", "--force"]) == 0
    assert Path("fit/potential.limlff").read_bytes() != first


def test_two_trainings_do_not_share_a_folder(folder, capsys):
    from limlff.folder_lock import locked

    with locked(Path("fit")):
        assert main(["train", "recipe.yaml", "--out", "fit", "--quiet", "--force"]) == 2
    assert "is in use by process" in capsys.readouterr().err
    assert [path.name for path in Path("fit").iterdir()] == ["run.lock"]


COMMANDS = {
    "evaluate": "evaluate li dft.extxyz --json new.json",
    "label": "label li dft.extxyz --out new.extxyz",
    "export": "export li new.mtp",
    "bench": "bench li --atoms 16 --json new.json",
    "info": "info li",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("name", "code"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_a_signal_with_nothing_to_keep_is_one_line(
    folder, capsys, monkeypatch, command, name, code
):
    def interrupted(*_):
        try:
            os.kill(os.getpid(), getattr(signal, f"SIG{name}"))
        except KeyboardInterrupt as error:  # as libraries do that catch everything
            raise RuntimeError("a mistake in the import of something") from error
        finally:
            os.kill(os.getpid(), signal.SIGINT)  # once more, while it stops

    monkeypatch.setattr(limlff.named_potential, "load", interrupted)
    before = contents(folder)
    assert main(COMMANDS[command].split()) == code
    assert capsys.readouterr().err == f"limlff {command}: interrupted by SIG{name}\n"
    assert contents(folder) == before


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "info"])
@pytest.mark.parametrize("place", ["dft.extxyz", "/proc"])
def test_an_output_that_cannot_be_is_refused_before_the_work(
    folder, capsys, monkeypatch, command, place
):
    monkeypatch.setattr(limlff.named_potential, "load", lambda *_: pytest.fail("worked in vain"))
    words = COMMANDS[command].replace("new.", f"{place}/new.").split()
    assert main(words) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and place in message


@contextmanager
def small_files(most_bytes: int) -> Iterator[None]:
    """As on a full disk: no file can grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    "words",
    [
        "data check dft.extxyz --json new.json",
        "data convert dft.extxyz new.h5",
        "data convert dft.extxyz new.extxyz",
        "label li dft.extxyz --out new.h5",
        "evaluate li dft.extxyz --json new.json --plots plots",
        "import old.mtp new.limlff --elements Li",
        "run healing/quick --out study",
    ],
)
def test_a_full_disk_is_one_line_and_leaves_nothing_half(folder, capsys, request, words):
    if "import" in words:
        shared = request.getfixturevalue("shared")
        Path("old.mtp").write_bytes((shared / "reference/mtp/Li.mtp").read_bytes())
    before = contents(folder)
    with small_files(100):
        assert main(words.split()) == 2
    message = capsys.readouterr().err
    assert "File too large" in message and message.count("\n") == 1
    after = contents(folder)
    assert {name for name in after if Path(name).name != "run.lock"} == before.keys()


def test_a_model_of_deepmd_on_a_full_disk_is_refused_and_the_process_lives(tmp_path):
    tree = {"model": {"@variables": {"w": np.zeros(100)}}}
    write_tree(tree, tmp_path / "whole.dp")
    assert np.array_equal(
        read_tree(tmp_path / "whole.dp")["model"]["@variables"]["w"], np.zeros(100)
    )
    with small_files(1000), pytest.raises(InputError, match="File too large"):
        write_tree(tree, tmp_path / "half.dp")
    assert [path.name for path in tmp_path.iterdir()] == ["whole.dp"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError("Unable to allocate 9 TiB"), "out of memory (Unable to allocate 9 TiB)"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes"), "out of memory"),
        (OSError(28, "No space left on device", "x.json"), "x.json: No space left on device; free"),
        (PermissionError(13, "Permission denied", "x"), "x: Permission denied; correct"),
        (OSError("Unable to write (errno = 28, error message = 'No space left')"), "free space"),
        (ModuleNotFoundError("no", name="matplotlib.figure"), "pip install matplotlib"),
        (PackageNotFoundError("limlff"), "limlff is not installed; in its checkout: pip install ."),
    ],
)
def test_what_the_machine_lacks_is_said_in_a_line_with_code_2(error, words):
    message, code = ending_of(error)
    assert words in message and code == 2


def test_a_mistake_of_the_code_is_not_hidden(folder, monkeypatch):
    monkeypatch.setattr(limlff.named_potential, "load", lambda *_: {}["missing"])
    with pytest.raises(KeyError, match="missing"):
        main(["info", "li"])
