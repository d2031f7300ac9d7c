"""Who owns the ghosts of each rank, and sums of what falls on ghosts, brought to their owners.

LAMMPS has sent forces of ghosts home already when it calls a `fix external`, so that those from
there have to travel by themselves. Owners are found by the IDs of the atoms, once each time LAMMPS
has exchanged atoms: a rank that follows from the ID keeps a directory of it. So one cutoff of
ghosts is enough, however LAMMPS has divided the box.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from limlff.errors import LimlffError

_TAG = 4711  # of messages, which LAMMPS does not use


class Owners:
    """Owners of the ghosts of this rank.

    Args:
        comm: An `mpi4py.MPI.Comm` of all ranks, of its own.
        tags: IDs of local atoms, then of ghosts.
        local: Number of local atoms.

    Making one is collective.
    """

    def __init__(self, comm: Any, tags: Int[np.ndarray, " atoms"], local: int) -> None:
        self._comm = comm
        self._local = local
        ranks, places = _find_owners(comm, tags.astype(np.int64), local)
        self._order = np.argsort(ranks, kind="stable")
        self._to = np.bincount(ranks, minlength=comm.size)
        self._homes, self._from = _deal_out(comm, places[self._order], self._to)

    def sum(self, values: Float[np.ndarray, "atoms parts"]) -> Float[np.ndarray, "local parts"]:
        """What falls on local atoms and on their ghosts everywhere; collective.

        The order of the sum depends on the division of the box alone.

        Args:
            values: Of local atoms, then of ghosts.
        """
        sums = np.array(values[: self._local], np.float64)
        leaving = np.ascontiguousarray(values[self._local :][self._order], np.float64)
        arriving = self._send(leaving)
        for part in range(sums.shape[1]):
            sums[:, part] += np.bincount(self._homes, arriving[:, part], minlength=self._local)
        return sums

    def _send(self, leaving: Float[np.ndarray, "ghosts parts"]) -> Float[np.ndarray, "homes parts"]:
        """Rows of ghosts, sent to the ranks that own them; only these talk to each other."""
        arriving = np.empty((len(self._homes), leaving.shape[1]))
        starts = np.concatenate([[0], np.cumsum(self._to)])
        ends = np.concatenate([[0], np.cumsum(self._from)])
        me, requests = self._comm.rank, []
        for rank in np.flatnonzero(self._from):
            if rank != me:
                rows = arriving[ends[rank] : ends[rank + 1]]
                requests.append(self._comm.Irecv(rows, int(rank), _TAG))
        for rank in np.flatnonzero(self._to):
            if rank != me:
                rows = leaving[starts[rank] : starts[rank + 1]]
                requests.append(self._comm.Isend(rows, int(rank), _TAG))
        arriving[ends[me] : ends[me + 1]] = leaving[starts[me] : starts[me + 1]]
        for request in requests:
            request.Wait()
        return arriving


def _find_owners(
    comm: Any, tags: Int[np.ndarray, " atoms"], local: int
) -> tuple[Int[np.ndarray, " ghosts"], Int[np.ndarray, " ghosts"]]:
    """Rank that owns each ghost, and the number that the atom has there."""
    own, ghosts = tags[:local], tags[local:]
    ranks = np.full(len(ghosts), comm.rank)
    places = _look_up(own, np.arange(local), ghosts)
    if comm.size == 1:
        if (places < 0).any():
            raise LimlffError("a ghost has an atom ID that no atom has; give all atoms IDs")
        return ranks, places
    elsewhere = np.flatnonzero(places < 0)
    known = _ask_directory(comm, own, ghosts[elsewhere])
    ranks[elsewhere], places[elsewhere] = known.T
    return ranks, places


def _ask_directory(
    comm: Any, own: Int[np.ndarray, " local"], asked: Int[np.ndarray, " asked"]
) -> Int[np.ndarray, "asked 2"]:
    """Rank and number there of atoms of other ranks, by a directory divided among all."""
    order = np.argsort(own % comm.size, kind="stable")
    entries = np.column_stack([own, np.full(len(own), comm.rank), np.arange(len(own))])
    counts = np.bincount(own % comm.size, minlength=comm.size)
    directory, _ = _deal_out(comm, entries[order], counts)
    order = np.argsort(asked % comm.size, kind="stable")
    counts = np.bincount(asked % comm.size, minlength=comm.size)
    questions, sources = _deal_out(comm, asked[order], counts)
    rows = _look_up(directory[:, 0], np.arange(len(directory)), questions)
    if (rows < 0).any():
        raise LimlffError(
            f"a ghost has the atom ID {questions[rows < 0][0]}, which no rank has; give all atoms "
            "IDs of their own"
        )
    answers, _ = _deal_out(comm, directory[rows, 1:], sources)
    found = np.empty((len(asked), 2), np.int64)
    found[order] = answers
    return found


def _look_up(
    keys: Int[np.ndarray, " keys"],
    values: Int[np.ndarray, " keys"],
    wanted: Int[np.ndarray, " wanted"],
) -> Int[np.ndarray, " wanted"]:
    """Values of keys; -1 for those that there are not."""
    if not len(keys):
        return np.full(len(wanted), -1)
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    return np.where(keys[order][place] == wanted, values[order][place], -1)


def _deal_out(
    comm: Any, rows: Int[np.ndarray, "rows ..."], counts: Int[np.ndarray, " ranks"]
) -> tuple[Int[np.ndarray, "rows ..."], Int[np.ndarray, " ranks"]]:
    """Rows sent to ranks, in their order; returns those that come and how many from each rank."""
    counts = np.ascontiguousarray(counts, np.int64)
    coming = np.empty_like(counts)
    comm.Alltoall(counts, coming)
    received = np.empty((int(coming.sum()), *rows.shape[1:]), np.int64)
    width = int(np.prod(rows.shape[1:], dtype=np.int64))
    comm.Alltoallv(
        [np.ascontiguousarray(rows, np.int64), counts * width], [received, coming * width]
    )
    return received, coming
