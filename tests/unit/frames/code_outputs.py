"""Shortened outputs of DFT codes, in their own words, of two lithium atoms that move step by step.

Each function takes, per ionic step, whether its electronic steps converged, and gives the text. The
n-th step has an energy that ends in n.
"""

from __future__ import annotations

from collections.abc import Sequence

_OUTCAR_HEAD = """ vasp.6.3.0
 POTCAR:    PAW_PBE Li 17Jan2003
   VRHFIN =Li: s1
   TITEL  = PAW_PBE Li 17Jan2003
   ions per type =               2
   NELM   =      5;   NELMIN=  2; NELMDL= -5     # of ELM steps
   ISPIN  =      1    spin polarized calculation?
   k-points           NKPTS =      1   k-points in BZ     NKDIM =  1   number of bands    NBANDS=  4
 k-points in reciprocal lattice and weights: gamma
   0.00000000  0.00000000  0.00000000       1.000
"""
_OUTCAR_STEP = """  in kB      1.0 2.0 3.0 0.1 0.2 0.3
      direct lattice vectors                 reciprocal lattice vectors
     3.440000000  0.000000000  0.000000000     0.290697674  0.000000000  0.000000000
     0.000000000  3.440000000  0.000000000     0.000000000  0.290697674  0.000000000
     0.000000000  0.000000000  3.440000000     0.000000000  0.000000000  0.290697674

 POSITION                                       TOTAL-FORCE (eV/Angst)
 -----------------------------------------------------------------------------------
      0.00000      0.00000      0.00000         0.100000      0.000000      0.000000
      1.72000      1.72000      1.7{n}000        -0.100000      0.000000      0.000000
 -----------------------------------------------------------------------------------

  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)
  ---------------------------------------------------
  free  energy   TOTEN  =        -3.8{n}000000 eV

  energy  without entropy=       -3.80000000  energy(sigma->0) =       -3.80000000
"""
REACHED = "aborting loop because EDIFF is reached"


def outcar(converged: Sequence[bool], failure: str = "", fewer: int = 0) -> str:
    """An OUTCAR; a step that failed has NELM = 5 electronic steps less `fewer`."""
    text = _OUTCAR_HEAD
    for n, good in enumerate(converged, 1):
        for iteration in range(1, (3 if good else 5 - fewer) + 1):
            text += f"------------- Iteration {n:6}({iteration:4})  -------------\n"
        text += f"------- {REACHED if good else failure} -------\n" + _OUTCAR_STEP.format(n=n)
    return text


_CRYSTAL = (
    '<crystal><varray name="basis"><v>3.44 0 0</v><v>0 3.44 0</v><v>0 0 3.44</v></varray></crystal>'
)
_VASPRUN_HEAD = f"""<?xml version="1.0" encoding="ISO-8859-1"?><modeling>
<kpoints><varray name="kpointlist"><v>0 0 0</v></varray>
<varray name="weights"><v>1.0</v></varray></kpoints>
<parameters><separator name="electronic"><i type="int" name="NELM">5</i></separator></parameters>
<atominfo><array name="atoms"><set><rc><c>Li</c><c>1</c></rc><rc><c>Li</c><c>1</c></rc></set>
</array></atominfo><structure name="initialpos">{_CRYSTAL}
<varray name="positions"><v>0 0 0</v><v>0.5 0.5 0.5</v></varray></structure>
"""


def vasprun(converged: Sequence[bool]) -> str:
    """A vasprun.xml; a step that failed has as many electronic steps as NELM allows."""
    text = _VASPRUN_HEAD
    for n, good in enumerate(converged, 1):
        energy = "".join(
            f'<i name="{name}">-3.8{n}</i>' for name in ("e_fr_energy", "e_wo_entrp", "e_0_energy")
        )
        text += "<calculation>" + f"<scstep><energy>{energy}</energy></scstep>" * (3 if good else 5)
        text += f'<structure>{_CRYSTAL}<varray name="positions"><v>0 0 0</v><v>0.5 0.5 0.5{n}</v>'
        text += '</varray></structure><varray name="forces"><v>0.1 0 0</v><v>-0.1 0 0</v></varray>'
        text += f"<energy>{energy}</energy></calculation>\n"
    return text + "</modeling>\n"


_PW_HEAD = """
     Program PWSCF v.6.5 starts on  1Jan2020 at  0: 0: 0
     number of atoms/cell      =            2
     number of atomic types    =            1
     celldm(1)=   6.500700  celldm(2)=   0.000000
     crystal axes: (cart. coord. in units of alat)
               a(1) = (   1.000000   0.000000   0.000000 )
               a(2) = (   0.000000   1.000000   0.000000 )
               a(3) = (   0.000000   0.000000   1.000000 )

     site n.     atom                  positions (alat units)
         1           Li  tau(   1) = (   0.0000000   0.0000000   0.0000000  )
         2           Li  tau(   2) = (   0.5000000   0.5000000   0.5000000  )

     number of k points=     1
                       cart. coord. in units 2pi/alat
        k(    1) = (   0.0000000   0.0000000   0.0000000), wk =   2.0000000

"""


def pw_output(converged: Sequence[bool]) -> str:
    """An output of Quantum ESPRESSO's pw.x; the final coordinates are printed once more."""
    positions = "\nATOMIC_POSITIONS (angstrom)\nLi 0.0 0.0 0.0\nLi 1.72 1.72 1.7{n}\n\n"
    text = _PW_HEAD
    for n, good in enumerate(converged, 1):
        text += positions.format(n=n) if n > 1 else ""
        text += "     End of self-consistent calculation\n\n"
        text += "          k = 0.0000 0.0000 0.0000 (   287 PWs)   bands (ev):\n\n"
        text += "    -1.2000   3.4000\n\n     the Fermi energy is     1.2000 ev\n\n"
        if good:
            text += f"!    total energy              =     -14.5{n}000000 Ry\n\n"
            text += "     convergence has been achieved in   8 iterations\n"
        else:
            text += f"     total energy              =     -14.5{n}000000 Ry\n\n"
            text += "     convergence NOT achieved after   3 iterations: stopping\n"
        text += "\n     Forces acting on atoms (cartesian axes, Ry/au):\n\n"
        text += "     atom    1 type  1   force =     0.00100000    0.00000000    0.00000000\n"
        text += "     atom    2 type  1   force =    -0.00100000    0.00000000    0.00000000\n\n"
    return text + positions.format(n=len(converged))


_GPAW_CELL = """Unit cell:
           periodic     x           y           z      points  spacing
  1. axis:    yes    3.440000    0.000000    0.000000    16     0.2150
  2. axis:    yes    0.000000    3.440000    0.000000    16     0.2150
  3. axis:    yes    0.000000    0.000000    3.440000    16     0.2150

"""


def gpaw_output(converged: Sequence[bool]) -> str:
    """A text output of GPAW."""
    text = "\n  ___ ___ ___ _ _ _\n |   |   |_  | | | |\n | | | | | . | | | |\n"
    text += " |__ |  _|___|_____|  22.8.0\n |___|_|\n"
    for n, good in enumerate(converged, 1):
        text += "Positions:\n"
        text += "   0 Li     0.000000    0.000000    0.000000    ( 0.0000,  0.0000,  0.0000)\n"
        text += f"   1 Li     1.720000    1.720000    1.7{n}0000    ( 0.0000,  0.0000,  0.0000)\n\n"
        text += _GPAW_CELL + "iter:   1 00:00:01   -3.8\n"
        text += "Converged after 9 iterations.\n" if good else "Did not converge!\n"
        text += "\nEnergy contributions relative to reference atoms: (reference = -10.0)\n\n"
        text += f"Kinetic:         +1.0\nZero Kelvin:     -3.8{n}\nExtrapolated:     -3.8{n}\n\n"
        text += "Forces in eV/Ang:\n  0 Li    0.01   0.00  0.00\n  1 Li   -0.01   0.00  0.00\n\n"
    return text


_AIMS_HEAD = """          Invoking FHI-aims ...
  | Number of atoms                   :        2
  | Number of Kohn-Sham states (occupied + empty):       8
  | Number of spin channels           :        1
  The structure contains        2 atoms,  and a total of          6.000 electrons.
  | Unit cell:
  |        3.44000000        0.00000000        0.00000000
  |        0.00000000        3.44000000        0.00000000
  |        0.00000000        0.00000000        3.44000000
  | Atomic structure:
  |       Atom                x [A]            y [A]            z [A]
  |    1: Species Li             0.00000000        0.00000000        0.00000000
  |    2: Species Li             1.72000000        1.72000000        1.72000000
"""
AIMS_NEXT = "\n  Begin self-consistency loop: Re-initialization.\n"


def aims_output(converged: Sequence[bool]) -> str:
    """An output of molecular dynamics with FHI-aims."""
    steps = []
    for n, good in enumerate(converged, 1):
        text = "\n          Begin self-consistency iteration #    1\n"
        text += "  Self-consistency cycle converged.\n" * good
        text += "  ** WARNING: Self-consistency cycle not converged.\n" * (not good)
        text += f"  | Total energy uncorrected      :         -0.38{n}E+01 eV\n"
        text += f"  | Total energy corrected        :         -0.38{n}E+01 eV\n"
        text += f"  | Electronic free energy        :         -0.38{n}E+01 eV\n"
        text += "  Total atomic forces (unitary forces cleaned) [eV/Ang]:\n"
        text += "  |    1          0.1E-01         0.0E+00         0.0E+00\n"
        text += "  |    2         -0.1E-01         0.0E+00         0.0E+00\n"
        text += "  Atomic structure (and velocities) as used in the preceding time step:\n"
        text += "".join(
            f"  lattice_vector   {row}\n" for row in ("3.44 0 0", "0 3.44 0", "0 0 3.44")
        )
        text += f"  atom   0 0 0 Li\n  atom   1.72 1.72 1.7{n} Li\n"
        steps.append(text)
    return _AIMS_HEAD + AIMS_NEXT.join(steps) + "\n          Have a nice day.\n"
