"""The outputs of a file that a recipe's student could learn from, and whose classes they are."""

from functools import cached_property
from typing import Any

from distill.errors import DistillError, OutputsError
from distill.inspection.subject import Subject

_REFUSALS = 3  # outputs of which it is said why they cannot be learnt from


class Candidates:
    """What of a file could be learnt from.

    Args:
        subject: the file.
        classes: of the data, empty where it names none; None of answers that have no classes.
    """

    def __init__(self, subject: Subject, classes: tuple[str, ...] | None) -> None:
        self._subject, self._classes = subject, classes

    @cached_property
    def names(self) -> tuple[str | None, ...]:
        """The outputs; None where there is one.

        Raises:
            OutputsError: there is none, and one at least has another number of outputs than the data has classes.
            DistillError: there is none for other reasons.
        """
        subject = self._subject
        if len(subject.outputs) == 1:
            self._check(subject.outputs[0])
            return subject.outputs
        possible: list[str | None] = []
        refused: list[str] = []
        kind = DistillError
        for output in subject.outputs:
            try:
                self._check(output)
                possible.append(output)
            except DistillError as error:
                refused.append(f"{output}: {error}")
                kind = OutputsError if isinstance(error, OutputsError) else kind
        if not possible:
            more = f" And {len(refused) - _REFUSALS} more." if len(refused) > _REFUSALS else ""
            raise kind(
                f"{subject.facts.file}: none of its {len(refused)} outputs could be learnt from. "
                f"{' '.join(refused[:_REFUSALS])}{more}"
            )
        return tuple(possible)

    def check(self) -> None:
        """Refuse a file of which nothing can be learnt.

        Raises:
            DistillError: as `names` does.
        """
        _ = self.names

    def class_keys(self, output: str | None) -> tuple[dict[str, Any], str]:
        """Keys of the teacher's section that say which numbers of an output are the data's classes, and in words how
        that is known.

        Raises:
            DistillError: nothing tells.
        """
        if not self._classes:
            return {}, "" if self._classes is None else "outputs by their numbers"
        return self._subject.class_keys(output, self._classes)

    def _check(self, output: str | None) -> None:
        """Refuse one that cannot be learnt from.

        Raises:
            DistillError: it is no row of numbers, or nothing says which are the data's classes.
        """
        self._subject.numbers(output)
        self.class_keys(output)
