"""Which students are worth having: the Pareto front, and the smallest student close to the teacher."""

from collections.abc import Sequence


def pareto_front(costs: Sequence[float], scores: Sequence[float]) -> list[int]:
    """Indices of the models on the Pareto front, by rising cost: no other is as cheap and scores as well.

    Of several that cost and score the same, all are kept.
    """
    front: list[int] = []
    for place in sorted(range(len(costs)), key=lambda i: (costs[i], -scores[i])):
        best = front[-1] if front else None
        if best is None or scores[place] > scores[best] or (costs[place], scores[place]) == (costs[best], scores[best]):
            front.append(place)
    return front


def smallest_within(points: float, target: float, costs: Sequence[float], scores: Sequence[float]) -> int | None:
    """The index of the cheapest model whose score is at most `points` hundredths below `target`; None where none is.

    Of several that cost the same, the best.
    """
    near = [i for i, score in enumerate(scores) if score >= target - points / 100]
    return min(near, key=lambda i: (costs[i], -scores[i]), default=None)
