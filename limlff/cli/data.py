"""`limlff data`: check what files of DFT frames hold, and convert between formats."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from limlff.cli.arguments import add_force
from limlff.cli.endings import tell
from limlff.errors import InputError
from limlff.outputs import check_output_file

if TYPE_CHECKING:
    from limlff.frames.report import FrameReport


CHECK = "report what files hold and refuse what is unusable"
CONVERT = "join files into one store (.h5) or .extxyz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `limlff data`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help=CHECK, description=CHECK)
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files or folders")
    check.add_argument("--json", type=Path, metavar="OUT", help="also write the reports as JSON")
    add_force(check, "the file of --json")
    convert = actions.add_parser("convert", help=CONVERT, description=CONVERT)
    convert.add_argument("inputs", nargs="+", type=Path, metavar="IN", help="files or folders")
    convert.add_argument(
        "output", type=Path, metavar="OUT", help="file that ends in .h5 or .extxyz"
    )
    add_force(convert, "OUT")


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action; returns the exit code."""
    if arguments.action == "check":
        if arguments.json is not None:
            check_output_file(arguments.json, arguments.files, arguments.force)
        return _check(arguments.files, arguments.json)
    _convert(arguments.inputs, arguments.output, arguments.force)
    return 0


def _check(files: Sequence[Path], json_file: Path | None) -> int:
    """Report every file, also those after one that is refused."""
    from dataclasses import asdict

    from limlff.atomic_file import write_text_whole
    from limlff.frames.read import read_source

    reports = []
    exit_code = 0
    for file in files:
        try:
            source = read_source(file)
            from limlff.frames.report import report_frames  # slow to import: after a refusal

            report = report_frames(source)
        except InputError as error:
            tell("data", str(error))
            exit_code = error.exit_code
            continue
        reports.append(report)
        print(format_report(report), flush=True)
    if json_file is not None:
        content = json.dumps([asdict(report) for report in reports], indent=1)
        write_text_whole(json_file, content + "\n")
    return exit_code


def _convert(inputs: Sequence[Path], output: Path, force: bool) -> None:
    from limlff.frames.extxyz import write_extxyz
    from limlff.frames.remarks import read_and_tell
    from limlff.frames.store import write_store

    is_store = output.suffix in (".h5", ".hdf5")
    if not is_store and not {".xyz", ".extxyz"} & set(output.suffixes):
        raise InputError(f"{output}: ends in '{output.suffix}'; write .h5 or .extxyz")
    check_output_file(output, inputs, force)
    frames = read_and_tell(inputs)
    from limlff.frames.checks import check_frames  # slow to import: after a refusal

    check_frames(frames)
    (write_store if is_store else write_extxyz)(frames, output)
    print(f"{output}: {len(frames)} frames, {sum(map(len, frames))} atoms")


def format_report(report: FrameReport) -> str:
    """A report as aligned lines for a terminal."""
    rows = [*_content_rows(report), *_label_rows(report)]
    width = max(len(name) for name, _ in rows)
    lines = [report.name, *(f"  {name:<{width}}  {text}" for name, text in rows)]
    lines.extend(f"  warning: {text}" for text in report.warnings)
    return "\n".join(lines) + "\n"


def _content_rows(report: FrameReport) -> list[tuple[str, str]]:
    elements = ", ".join(f"{symbol} {count}" for symbol, count in sorted(report.elements.items()))
    groups = ", ".join(f"{name or 'none'} {count}" for name, count in sorted(report.groups.items()))
    low, high = report.atoms_per_frame
    shortest = report.shortest_distance
    closest = "none" if shortest is None else f"{shortest[0]:.3f} Å in {shortest[1]}"
    return [
        ("frames", f"{report.frames} with {report.atoms} atoms, {low} to {high} each"),
        ("elements", elements),
        ("groups", groups),
        ("volume", _span(report.volume_per_atom, "Å^3/atom", 2)),
        ("shortest distance", closest),
        ("duplicates", f"{report.duplicates}, of these {report.conflicts} with other labels"),
    ]


def _label_rows(report: FrameReport) -> list[tuple[str, str]]:
    rows = []
    counts = {
        "energy": report.with_energy,
        "forces": report.with_forces,
        "stress": report.with_stress,
    }
    for label, count in counts.items():
        keys = ", ".join(report.label_keys.get(label, {}))
        rows.append((label, f"{count} frames" + (f", key {keys}" if keys else "")))
    if report.with_core:
        rows.append(("cores", f"{report.with_core} frames, {report.core_atoms} atoms"))
    rows.append(("energy range", _span(report.energy_ev_per_atom, "eV/atom", 4)))
    if report.largest_force_ev_per_angstrom is not None:
        size, where = report.largest_force_ev_per_angstrom
        rows.append(("largest force", f"{size:.3f} eV/Å in {where}"))
    if report.net_force_ev_per_angstrom is not None:
        largest, median = report.net_force_ev_per_angstrom
        rows.append(("net force", f"{largest:.1e} eV/Å at most, median {median:.1e}"))
    rows.append(("pressure", _span(report.pressure_gpa, "GPa", 2)))
    rows.append(("sign of stress", _describe_sign(report)))
    return rows


def _span(limits: tuple[float, float] | None, unit: str, digits: int) -> str:
    if limits is None:
        return "none"
    return f"{limits[0]:.{digits}f} to {limits[1]:.{digits}f} {unit}"


def _describe_sign(report: FrameReport) -> str:
    sign = report.stress_sign
    reasons = []
    if sign.fit is not None:
        reasons.append(
            f"{sign.pairs} strained pairs ask for {sign.fit.factor:.2f} ± "
            f"{sign.fit.factor_error:.2f} times it"
        )
    if sign.volume_correlation is not None:
        reasons.append(f"pressure and volume correlate by {sign.volume_correlation:.2f}")
    return sign.verdict + (f": {'; '.join(reasons)}" if reasons else "")
