"""Counts of all processes of the service in one block of memory: each process adds to its own, and reads the sum."""

import mmap
from collections.abc import Mapping

import numpy as np

from cd4ml.contract.columns import Array


class Counts:
    """Named arrays of float64, one of each for every process. They begin at 0.

    The block is anonymous memory that forked processes share. A process that takes the place of another one, after a
    crash, goes on from that one's counts, so that a sum never falls.

    Args:
        shapes: of the arrays, by name.
        processes: how many processes count.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], processes: int = 1) -> None:
        layout = np.dtype([(name, np.float64, shape) for name, shape in shapes.items()])
        self._records = np.frombuffer(mmap.mmap(-1, processes * layout.itemsize), layout)
        self._own = 0

    def use(self, process: int) -> None:
        """Add to the counts of the process with this number, from 0; to be called in it after the fork."""
        self._own = process

    def own(self, name: str) -> Array:
        """Return this process's array, to be added to."""
        return self._records[name][self._own : self._own + 1].reshape(self._records[name].shape[1:])

    def total(self, name: str) -> Array:
        """Return the sum of all processes' arrays."""
        return np.asarray(self._records[name].sum(axis=0))
