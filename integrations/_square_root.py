"""The square root of a product of two covariances, right also where it has no full rank.

scipy 1.11.2 to 1.12.0 give a root with entries of 1e13 and more for the product of the covariances of fewer
images than features, without a word: an FID made of it is off by as much.
"""

from __future__ import annotations

from typing import Any

import numpy

WRONG_SINCE, RIGHT_SINCE = (1, 11, 2), (1, 13)


def scipy_is_wrong(version: str) -> bool:
    """Say whether `scipy.linalg.sqrtm` of this version is wrong for matrices without full rank."""
    release = tuple(int(part) for part in version.split("+")[0].split(".")[:3] if part.isdigit())
    return WRONG_SINCE <= release < RIGHT_SINCE


def square_root(matrix: Any) -> Any:
    r"""Return X with X² = matrix, for a square matrix whose eigenvalue 0 is not defective.

    A product of two covariances is one. With the Schur form ``Z T Zᴴ``, sorted so that the eigenvalues that
    are zero within rounding come last, ``T = [[A, B], [0, 0]]`` has the root ``[[√A, (√A)⁻¹ B], [0, 0]]``,
    for which no two zeros are divided by each other.
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
