"""How far two distributions are apart, as effect sizes: they do not grow with the number of rows, as p-values shrink.

The population stability index is symmetric, and has no unit: the sum over the bins of (q - p) ln(q / p), where p and q
are the shares of both sides (Siddiqi, *Credit Risk Scorecards*, 2006; it is Jeffreys' divergence). By convention, 0.1
is a small change and 0.25 a large one. Wasserstein's distance is in the column's unit: by how much values moved, on
average.
"""

import numpy as np
from scipy.stats import wasserstein_distance

from cd4ml.contract.columns import Array

_LEAST_SHARE = 0.02  # of a bin on the side that is compared with; smaller ones are joined with their neighbour


def stability_index(expected: Array, counts: Array) -> float:
    """Return the population stability index of counted rows against expected shares; NaN without rows.

    Args:
        expected: the share in each bin, shape `(bins,)`; bins with less than 2 % are joined with the one before.
        counts: the rows in each bin, shape `(bins,)`.
    """
    rows = counts.sum()
    if not rows or not expected.sum():
        return float("nan")
    group = _groups(expected / expected.sum())
    p = np.bincount(group, expected / expected.sum())
    q = (np.bincount(group, counts) + 0.5) / (rows + 0.5 * (group[-1] + 1))  # half a row more: no bin is empty
    return float(((q - p) * np.log(q / p)).sum())


def chance_index(expected: Array, expected_rows: int, rows: int) -> float:
    """Return the index that chance alone reaches in one case of twenty, if nothing has changed.

    Under no change, the index times `n m / (n + m)` follows a chi-squared distribution with a degree of freedom less
    than there are bins (Yurdakul & Naranjo, *Statistical properties of the population stability index*, 2020).
    """
    from scipy.stats import chi2

    groups = int(_groups(expected / expected.sum())[-1]) + 1
    if groups < 2 or not rows or not expected_rows:
        return 0.0
    return float(chi2.ppf(0.95, groups - 1) * (1 / rows + 1 / expected_rows))


def _groups(shares: Array) -> Array:
    """Return the number of the group that each bin belongs to, from 0, so that each group has enough."""
    groups, group, collected = np.zeros(len(shares), dtype=np.int64), 0, 0.0
    for bin_number, share in enumerate(shares):
        if collected >= _LEAST_SHARE and shares[bin_number:].sum() >= _LEAST_SHARE:
            group, collected = group + 1, 0.0
        groups[bin_number] = group
        collected += share
    return groups


def distance(expected: tuple[Array, Array], found: tuple[Array, Array]) -> float:
    """Return Wasserstein's distance of two histograms, in the unit of the values; NaN if one of them has no rows.

    Args:
        expected: the mean of each bin, and its share or its rows.
        found: the same of the other histogram.
    """
    (means, shares), (other_means, counts) = expected, found
    if not counts.sum() or not shares.sum():
        return float("nan")
    return float(wasserstein_distance(means, other_means, shares, counts))
