"""A linear classifier on a frozen network's features, in closed form: a teacher in minutes, without gradient steps.

Ridge regression of the labels, its strength chosen on validation; then each attribute's score is scaled to a logit by
logistic regression on validation (Platt, 1999), so that a student learns from calibrated probabilities.

In closed form, because gradient descent on thousands of correlated features stops long before it reaches the
directions of small variance.

Shapes: N pictures, F features, C classes.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn

from distill.data.prepared.pictures import Pictures
from distill.data.views.cutting import cut
from distill.data.views.loader import Request, ViewDataset
from distill.errors import DistillError
from distill.evaluation.average_precision import average_precision, mean_average_precision
from distill.modules.batches import labels_of
from distill.preprocess.preprocess import Preprocess
from distill.recipe.stages import Probe

_BLOCK = 1024  # pictures whose products are taken at once: reading and writing F x F sums costs as much as 500 do

Features = Callable[[Tensor], Tensor]
"""Normalised float (N, 3, h, w) to features (N, F)."""


def fit_probe(
    network: nn.Module, preprocess: Preprocess, train: Pictures, validation: Pictures, settings: Probe, seed: int
) -> None:
    """Fit the network's classifier to `train.classes`, on what the layers before it give; those stay as they are.

    Args:
        network: normalised float (N, 3, h, w) to logits (N, C), its last layer, a Linear, returned by
            `get_classifier()` as timm's networks do. It is left in eval mode.

    Raises:
        DistillError: the last layer is no Linear, a label is unknown, a class lacks positives or negatives, or the
            features say nothing.
    """
    classifier = network.get_classifier()  # type: ignore[operator]  # a convention, not a protocol of torch
    if not isinstance(classifier, nn.Linear):
        raise DistillError(
            f"probe: the network ends in a {type(classifier).__name__}, and only a Linear can be fitted. Use `teach`."
        )
    for pictures, name in ((train, "train"), (validation, "validation")):
        for c, attribute in enumerate(pictures.classes):
            column = pictures.labels[:, c]
            if not ((column == 1).any() and (column == 0).any()) or (column < 0).any():
                raise DistillError(
                    f"probe: the {name} pictures need both values of {attribute}, all known. Leave "
                    "that class out, or give more pictures."
                )
    features = _inputs_of(classifier, network.eval())
    covariance, correlation, mean = _moments(features, classifier.in_features, preprocess, train, settings, seed)
    seen = torch.cat(list(_whole(features, preprocess, validation, settings.batch_size))).double()
    if not seen.isfinite().all() or (seen == seen[0]).all():
        raise DistillError(
            "probe: the network's features are NaN, infinite or alike for all pictures. Check weights, mean and std."
        )
    best_score, best_weights = -1.0, torch.empty(0)
    deviation = covariance.diagonal().clamp(min=1e-12).sqrt()
    scaled = covariance / deviation.outer(deviation)
    for strength in settings.ridge:
        penalty = strength * torch.eye(len(covariance), dtype=torch.float64)
        weights = torch.linalg.solve(scaled + penalty, correlation / deviation[:, None]) / deviation[:, None]
        scores = ((seen - mean) @ weights).numpy()
        score, _ = mean_average_precision(
            average_precision(scores, validation.labels, validation.classes).values, validation.classes
        )
        if score > best_score:
            best_score, best_weights = score, weights
    slopes, offsets = _calibrate(((seen - mean) @ best_weights).numpy(), validation.labels)
    with torch.no_grad():
        classifier.weight.copy_((best_weights * slopes).T)
        classifier.bias.copy_(offsets - mean @ (best_weights * slopes))


def _inputs_of(classifier: nn.Linear, network: nn.Module) -> Features:
    def features(pixels: Tensor) -> Tensor:
        seen: list[Tensor] = []
        hook = classifier.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        try:
            network(pixels)
        finally:
            hook.remove()
        return seen[0].float()

    return features


def _moments(
    features: Features, width: int, preprocess: Preprocess, train: Pictures, settings: Probe, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Covariance of the features (F, F), their covariance with the labels (F, C), and their mean (F,), in float64.

    Sums are all that ridge regression needs, so the features of a large set are never held at once.
    """
    classes = len(train.classes)
    count, x_sum, y_sum = 0, torch.zeros(width, dtype=torch.float64), torch.zeros(classes, dtype=torch.float64)
    xx, xy = torch.zeros(width, width, dtype=torch.float64), torch.zeros(width, classes, dtype=torch.float64)
    product = torch.empty(width, width)  # kept: a new one each time is 100 MB and more of pages to map
    for x, y in _blocks(_views(features, preprocess, train, settings, seed)):
        # Products of a block in float32, their sum over the set in float64.
        count += len(x)
        x_sum += x.sum(0)
        y_sum += y.sum(0)
        xx += torch.mm(x.T, x, out=product)
        xy += x.T @ y
    mean = x_sum / count
    return xx / count - mean.outer(mean), xy / count - mean.outer(y_sum / count), mean


def _blocks(batches: Iterator[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """The same rows, `_BLOCK` or more at a time."""
    while block := list(_until(batches, _BLOCK)):
        yield torch.cat([x for x, _ in block]), torch.cat([y for _, y in block])


def _until(batches: Iterator[tuple[Tensor, Tensor]], rows: int) -> Iterator[tuple[Tensor, Tensor]]:
    for x, y in batches:
        yield x, y
        rows -= len(x)
        if rows <= 0:
            return


def _views(
    features: Features, preprocess: Preprocess, train: Pictures, settings: Probe, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Features (N, F) and labels (N, C) of every picture whole, then of its views, in batches."""
    labels = torch.from_numpy(train.labels).float()
    size = settings.batch_size
    for number, x in enumerate(_whole(features, preprocess, train, size)):
        yield x, labels[number * size : number * size + len(x)]
    dataset = ViewDataset(train, settings.views, seed)
    starts = [(view, start) for view in range(settings.passes) for start in range(0, len(train), size)]
    for view, start in track(starts, "features of views", console=Console(stderr=True), transient=True):
        batch = dataset.__getitems__(Request(np.arange(start, min(start + size, len(train))), view))
        with torch.inference_mode():
            x = features(preprocess.normalize(cut(batch, preprocess)))
        known = labels_of(batch)
        assert known is not None  # fit_probe refuses pictures without labels
        yield x, known


def _whole(features: Features, preprocess: Preprocess, pictures: Pictures, size: int) -> Iterator[Tensor]:
    starts = range(0, len(pictures), size)
    for start in track(starts, "features of pictures", console=Console(stderr=True), transient=True):
        rows = np.arange(start, min(start + size, len(pictures)))
        with torch.inference_mode():
            yield features(preprocess(torch.from_numpy(pictures.gather(rows))))


def _calibrate(scores: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
    """Slope and offset (C,) that make each column of scores (N, C) a logit."""
    from sklearn.linear_model import LogisticRegression  # a second of every command's start, were it above

    slopes, offsets = [], []
    for c in range(scores.shape[1]):
        spread = scores[:, c].std()
        fitted = LogisticRegression(C=1e4).fit(scores[:, c : c + 1] / spread, labels[:, c])
        slopes.append(fitted.coef_[0, 0] / spread)
        offsets.append(fitted.intercept_[0])
    return torch.tensor(slopes, dtype=torch.float64), torch.tensor(offsets, dtype=torch.float64)
