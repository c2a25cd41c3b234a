"""What evaluators of embeddings share: they are checked, brought to unit length, joined with those of mirror images.

Shapes: N pictures, D embedding dimensions, P pairs.
"""

from typing import Literal

import numpy as np

from distill.errors import DistillError

Flip = Literal["average", "concatenation"]


def unit_embeddings(embeddings: np.ndarray, *, owner: str = "the network") -> np.ndarray:
    """Float (N, D) to the same directions at length 1, float32 (float64 stays).

    Args:
        owner: whose embeddings they are, for the error.

    Raises:
        DistillError: the shape is not (N, D), there is no picture, or an embedding is zero or not finite.
    """
    if embeddings.ndim != 2 or embeddings.shape[1] == 0 or not np.issubdtype(embeddings.dtype, np.floating):
        raise DistillError(
            f"evaluation: {owner} gave embeddings {embeddings.dtype} {embeddings.shape}, expected float (pictures, "
            "dimensions). Evaluate a model whose output is one embedding a picture."
        )
    if len(embeddings) == 0:
        raise DistillError(f"evaluation: {owner} has no embedding; there is nothing to compare. Give it pictures.")
    wide = embeddings if embeddings.dtype == np.float64 else embeddings.astype(np.float32, copy=False)
    finite = np.isfinite(wide).all(axis=1)
    _refuse(~finite, "NaN or infinity", owner)
    lengths = np.sqrt(np.einsum("nd,nd->n", wide, wide, dtype=np.float64))
    _refuse(lengths == 0, "the zero vector, which has no direction,", owner)
    return wide / lengths[:, None].astype(wide.dtype)


def similarities(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines of pairs: float (P, D) and (P, D), of any length, to float64 (P,). Each may come from another model.

    Raises:
        DistillError: the shapes differ, or an embedding is zero or not finite.
    """
    check_dimensions(first, second, "the first pictures", "the second pictures")
    if len(first) != len(second):
        raise DistillError(f"evaluation: {len(first)} first and {len(second)} second pictures, expected pairs of them.")
    a = unit_embeddings(first, owner="the model of the first pictures")
    b = unit_embeddings(second, owner="the model of the second pictures")
    return np.einsum("pd,pd->p", a, b, dtype=np.float64)


def combine_flips(picture: np.ndarray, mirror: np.ndarray, how: Flip) -> np.ndarray:
    """Embeddings of pictures joined with those of their mirror images, both at unit length first.

    Args:
        picture, mirror: float (N, D).
        how: `average` gives (N, D), in the same space, so galleries keep working; `concatenation` gives (N, 2 D),
            which compares picture with picture and mirror with mirror, and fits only galleries made alike.

    Returns:
        float (N, D) or (N, 2 D) of unit length.

    Raises:
        DistillError: the shapes differ, or an embedding is zero or not finite.
    """
    if picture.shape != mirror.shape:
        raise DistillError(
            f"evaluation: embeddings of pictures are {picture.shape} and of their mirror images {mirror.shape}, "
            "expected the same."
        )
    both = unit_embeddings(picture), unit_embeddings(mirror, owner="the network, on mirror images,")
    joined = both[0] + both[1] if how == "average" else np.concatenate(both, axis=1)
    return unit_embeddings(joined, owner="the sum of both, opposite on a picture and its mirror,")


def check_dimensions(first: np.ndarray, second: np.ndarray, first_owner: str, second_owner: str) -> None:
    """Refuse to compare embeddings of different widths.

    Raises:
        DistillError: naming both.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise DistillError(
            f"evaluation: {first_owner} have embeddings {first.shape} and {second_owner} {second.shape} (pictures, "
            "dimensions); only vectors of the same space compare. Use models of the same number of dimensions, or a "
            "student trained with a projection to the teacher's."
        )


def check_identities(identities: np.ndarray, embeddings: np.ndarray, owner: str) -> None:
    """Refuse identities that are not one known whole number (0 or more) a picture.

    Raises:
        DistillError: naming the owner and what was found.
    """
    if identities.shape != embeddings.shape[:1] or not np.issubdtype(identities.dtype, np.integer):
        raise DistillError(
            f"evaluation: {owner} have identities {identities.dtype} {identities.shape} for embeddings "
            f"{embeddings.shape}, expected one whole number a picture."
        )
    unknown = np.count_nonzero(identities < 0)
    if unknown:
        raise DistillError(
            f"evaluation: {unknown} of {len(identities)} {owner} have no identity (a negative number). Leave them out: "
            "as one person they would spoil every figure."
        )


def _refuse(bad: np.ndarray, what: str, owner: str) -> None:
    if bad.any():
        raise DistillError(
            f"evaluation: {owner} gave {what} for {np.count_nonzero(bad)} of {len(bad)} pictures, the first is number "
            f"{int(np.argmax(bad))}. Check the weights and the pictures."
        )
