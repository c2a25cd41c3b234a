"""A teacher that makes its answers of another one's."""

from teachers.teacher import Shapes, Size, Teacher


class AskingTeacher(Teacher):
    """Shown what the other is shown, and as large as that one.

    Args:
        name, outputs, classes: its own, as of any teacher.
        whole: the teacher that is asked.
    """

    def __init__(self, name: str, whole: Teacher, outputs: int | Shapes, classes: tuple[str, ...] | None) -> None:
        super().__init__(name, whole.preprocess, outputs, classes)
        self.whole = whole

    @property
    def gives(self) -> str | None:
        return self.whole.gives

    @property
    def contract(self) -> str:
        return self.whole.contract

    def size(self) -> Size:
        return self.whole.size()
