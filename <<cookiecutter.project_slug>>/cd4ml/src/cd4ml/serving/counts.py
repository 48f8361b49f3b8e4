"""Counts of all processes of the service in one block of memory: each process adds to its own, and reads the sum."""

import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cd4ml.contract.columns import Array


@dataclass(frozen=True)
class Share:
    """A process's share of the counts of several."""

    file: int
    """The descriptor of a file in memory, which all of them map."""
    processes: int
    process: int
    """The number of this one, from 0."""


class Counts:
    """Named arrays of float64, one of each for every process. They begin at 0.

    A process that takes the place of another one, after a crash, goes on from that one's counts, so that a sum never
    falls.

    Args:
        shapes: of the arrays, by name; the same in all processes.
        share: None if this process counts alone.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], share: Share | None = None) -> None:
        layout = np.dtype([(name, np.float64, shape) for name, shape in shapes.items()])
        share = share or Share(-1, 1, 0)
        size = share.processes * layout.itemsize
        if share.file >= 0 and os.fstat(share.file).st_size < size:  # never shorter: others may have mapped it
            os.ftruncate(share.file, size)
        self._records = np.frombuffer(mmap.mmap(share.file, size), layout)
        self._own = share.process

    def own(self, name: str) -> Array:
        """Return this process's array, to be added to."""
        return self._records[name][self._own : self._own + 1].reshape(self._records[name].shape[1:])

    def total(self, name: str) -> Array:
        """Return the sum of all processes' arrays."""
        return np.asarray(self._records[name].sum(axis=0))
