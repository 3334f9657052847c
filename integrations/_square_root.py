"""The square root of a product of two covariances, correct also for singular ones.

For the product of covariances of fewer images than features, scipy 1.11.2 to 1.12.0 silently return a root
with entries of 1e13 and more; an FID computed from it is off by as much.
"""

from __future__ import annotations

from typing import Any

import numpy

WRONG_SINCE, RIGHT_SINCE = (1, 11, 2), (1, 13)


def scipy_is_wrong(version: str) -> bool:
    """Whether `scipy.linalg.sqrtm` of this version is wrong for singular matrices."""
    release = tuple(int(part) for part in version.split("+")[0].split(".")[:3] if part.isdigit())
    return WRONG_SINCE <= release < RIGHT_SINCE


def square_root(matrix: Any) -> Any:
    r"""Return X with X² = matrix, for a square matrix whose eigenvalue 0 is not defective.

    A product of two covariances qualifies. With the Schur form ``Z T Zᴴ``, sorted so that eigenvalues that
    are zero up to rounding come last, ``T = [[A, B], [0, 0]]`` has the root ``[[√A, (√A)⁻¹ B], [0, 0]]``,
    which never divides zero by zero.
    """
    from scipy import linalg

    matrix = numpy.asarray(matrix)
    if not matrix.any():
        return matrix * 1.0
    smallest = numpy.finfo(numpy.float64).eps * len(matrix) * numpy.linalg.norm(matrix, 2)
    form, vectors, rank = linalg.schur(
        matrix, output="complex", sort=lambda eigenvalue: abs(eigenvalue) > smallest
    )
    root = numpy.zeros_like(form)
    root[:rank, :rank] = linalg.sqrtm(form[:rank, :rank])
    root[:rank, rank:] = linalg.solve_triangular(root[:rank, :rank], form[:rank, rank:])
    root = vectors @ root @ vectors.conj().T
    is_real = numpy.isrealobj(matrix) and numpy.abs(root.imag).max() <= 1e-6 * numpy.abs(root.real).max()
    return root.real if is_real else root
