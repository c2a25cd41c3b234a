"""What a network's outputs mean, one kind a file: names, shapes, activation, and what files, cards and pages say."""

from distill.answers.attributes import Probabilities
from distill.answers.classes import Softmax
from distill.answers.embeddings import Embedding
from distill.answers.kind import Kind
from distill.errors import DistillError

KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (Probabilities, Softmax, Embedding)}


def kind_named(name: str) -> type[Kind]:
    """The kind that a file's `gives` or a student's `answers` names.

    Raises:
        DistillError: there is none of that name.
    """
    if name not in KINDS:
        raise DistillError(f"no kind of answers is called {name!r}; expected one of {', '.join(KINDS)}.")
    return KINDS[name]
