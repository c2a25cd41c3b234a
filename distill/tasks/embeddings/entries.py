"""What embeddings add to results.json."""

from typing import Any, NotRequired, TypedDict

from distill.report.results import Measured, NearDuplicates


class PointScores(TypedDict):
    """What a threshold on the cosine accepts: shares of impostor and genuine pairs, counts, and 95 % intervals, null
    where they were not measured."""

    threshold: float
    far: float
    tar: float
    false_accepts: int
    impostors: int
    true_accepts: int
    genuine: int
    far_interval: list[float] | None
    tar_interval: list[float] | None


class TeacherPoint(PointScores):
    """The student at the teacher's threshold for a false accept rate of `far`, where its own is `far_measured`."""

    far_measured: float


class EqualErrorScores(TypedDict):
    """Where the shares of false accepts and of false rejects come closest; `rate` is their mean."""

    rate: float
    threshold: float
    far: float
    frr: float


class FoldScores(TypedDict):
    """Accuracy over the folds of listed pairs, each at the threshold chosen on the others; `pairs` in each."""

    standard_deviation: float
    standard_error: float
    folds: list[int]
    accuracies: list[float]
    thresholds: list[float]
    pairs: list[int]


class OpenSetEntry(TypedDict):
    """What a threshold on the cosine does to pictures searched in a gallery of one picture a person: of those of people
    who are not enrolled (`unmated`) the share that is given a name, of the others (`mated`) the share that is given the
    right one, counts, and 95 % intervals."""

    threshold: float
    fpir: float
    tpir: float
    false_positives: int
    unmated: int
    true_positives: int
    mated: int
    fpir_interval: list[float]
    tpir_interval: list[float]


class FindingEntry(TypedDict):
    """The whole way from photographs, where faces had to be found.

    `unusable`: faces that cannot be used, by the kind of reason. `pairs_lost`: those of which a face cannot. `whole`:
    of all pairs, those lost rejected at every threshold. `given`: of the same pairs in pictures that somebody else
    aligned; `loss`: the paired difference, whole minus given.
    """

    photographs: int
    unusable: dict[str, int]
    pairs_lost: int
    whole: Measured
    given: NotRequired[Measured]
    loss: NotRequired[dict[str, Any]]


class EmbeddingScores(TypedDict):
    """What stands under a model beside its metrics. `fars`, `open_set`: by the rate that was asked for; the latter is
    absent where there are too few pictures of people who are not enrolled, or nobody has two pictures."""

    fars: dict[str, PointScores]
    open_set: NotRequired[dict[str, OpenSetEntry]]
    equal_error: EqualErrorScores
    folds: NotRequired[FoldScores]
    finding: NotRequired[FindingEntry]


class Curve(TypedDict):
    """Shares of impostor and of genuine pairs accepted, rising."""

    far: list[float]
    tar: list[float]


class HistogramEntry(TypedDict):
    """Pairs by their cosine: `edges` of B bins (B + 1), and the pairs in each (B)."""

    edges: list[float]
    genuine: list[int]
    impostor: list[int]


class Search(Measured):
    """Pictures searched in a gallery; `rank_curve`: the share whose person is among the first k people, k from 1;
    `open_set`: as under a model."""

    rank_curve: list[float]
    open_set: NotRequired[dict[str, OpenSetEntry]]


class EmbeddingEntries(TypedDict):
    """The task's own entries of results.json.

    `roc`, `histograms`: by role. `ranks`: by role, the share of pictures whose person is among the k most alike people,
    k from 1; empty where nobody has two pictures. `at_teacher_thresholds`: in the order of the recipe's `fars`.
    `galleries`: each model's pictures in its own gallery, and the student's in the teacher's; empty as `ranks`. The
    last two are of a student with a teacher.
    """

    roc: dict[str, Curve]
    histograms: dict[str, HistogramEntry]
    ranks: dict[str, list[float]]
    near_duplicates: NearDuplicates
    at_teacher_thresholds: NotRequired[list[TeacherPoint]]
    galleries: NotRequired[dict[str, Search]]
