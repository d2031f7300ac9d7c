"""Write the LLVM bitcode that comes with the package: `python -m limlff.kernels.prebuild`."""

from __future__ import annotations

from limlff.kernels.program import MOMENT
from limlff.neighbors.cells import ORDER, SEARCH
from limlff.neighbors.points import SORT
from limlff.simd.bitcode import write_package

PROGRAMS = (*MOMENT.values(), SORT, SEARCH, ORDER)

if __name__ == "__main__":
    write_package(PROGRAMS)
