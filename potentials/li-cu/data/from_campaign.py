"""Frames that a campaign has labelled, as frames of this data set; also of one under way.

    python from_campaign.py CAMPAIGN labelled.extxyz

Frames get the number of the structure that their run began with (`structures.py`), by which
`split.py` knows on which side they belong: those that are held back have been trained on in the
campaign, whose potentials are not the ones that are shipped.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml
from ase import Atoms
from ase.io import write

from limlff.frames.frame import Frame
from limlff.learning.cut_file import read_cuts
from limlff.learning.k_points import k_point_mesh
from limlff.learning.labeller import GPAWSettings, Labeller
from limlff.learning.labels import LabelTask
from limlff.learning.ledger import Ledger, open_ledger
from limlff.learning.tasks import Record

KIND = re.compile(r"(\d+)-(.*)\.extxyz")
"""Name of a structure's file: its number and its kind."""


def labelled(folder: Path) -> Iterator[Atoms]:
    """Frames with labels that the campaign has taken for good, in the order of its runs."""
    settings = yaml.safe_load((folder / "campaign.yaml").read_text(encoding="utf-8"))
    labeller = Labeller.model_validate(settings["labeller"])
    seen: set[str] = set()
    with open_ledger(folder / "ledger.sqlite", read_only=True) as ledger:
        for path in sorted(folder.glob("iteration-*/explore/*/cuts.json")):
            run = yaml.safe_load((path.parent / "md.yaml").read_text(encoding="utf-8"))
            for cut in read_cuts(path):
                record = label_of(cut.frame, labeller, ledger)
                if record is not None and record.task.key not in seen:
                    seen.add(record.task.key)
                    yield frame_of(cut.frame, record, run, labeller)


def label_of(frame: Frame, labeller: Labeller, ledger: Ledger) -> Record | None:
    """The task that has labelled a frame, if there is one."""
    for safer in (False, True):
        record = ledger.get(LabelTask(frame, labeller.digest, safer).task)
        if record is not None and record.state == "done":
            return record
    return None


def frame_of(frame: Frame, record: Record, run: dict[str, object], labeller: Labeller) -> Atoms:
    """A frame as `label.py` would have written it."""
    code = labeller.code
    assert isinstance(code, GPAWSettings)
    found = KIND.fullmatch(Path(str(run["structure"])).name)
    assert found is not None
    points = code.k_points
    mesh = k_point_mesh(frame, points.spacing_per_angstrom, points.tolerance)
    atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=True)
    atoms.arrays["forces"] = np.array(record.result["forces"])
    atoms.info |= {
        "config_type": kind_of(frame, found[2]),
        "sample_temperature_K": float(str(run["temperature_k"])),
        "run": int(found[1]),
        "origin": f"campaign, {frame.origin}",
        "key": record.task.key[:16],
        "kpts": " ".join(map(str, mesh)),
        "energy": record.result["energy"],
        "energy_sigma0": record.result["energy_sigma0"],
        "stress": np.array(record.result["stress"]),
        "scf_steps": record.result["scf_steps"],
        "wall_seconds": round(record.cost.wall_seconds),
    }
    return atoms


def kind_of(frame: Frame, start: str) -> str:
    """What a frame is, such as cu110_li4_exchange; atoms may have been deposited on the way."""
    if frame.group != "deposition":
        return start
    return f"{start.split('_')[0]}_li{np.sum(frame.numbers == 3)}_deposition"


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("campaign", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    frames = list(labelled(arguments.campaign))
    write(arguments.out, frames, format="extxyz")
    print(f"{len(frames)} frames")


if __name__ == "__main__":
    main()
