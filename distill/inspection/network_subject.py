"""A torch network that is inspected: weights, and the teacher that builds the network they are of."""

from distill.answers.kind import Kind
from distill.inspection.hypotheses import GIVEN, NORMALIZATIONS, Normalization
from distill.inspection.subject import Keys, Subject
from distill.preprocess.preprocess import Channels, Preprocess
from teachers.timm_teacher import Timm


class NetworkSubject(Subject):
    """Weights in their network. Its size is known, and of face recognisers the numbers they want as well."""

    @property
    def outputs(self) -> tuple[str | None, ...]:
        return (None,)

    def numbers(self, output: str | None) -> int | None:
        return self.config.outputs_of_weights() if isinstance(self.config, Timm) else None

    @property
    def channels(self) -> tuple[Channels | None, ...]:
        return ("rgb", "bgr") if self.config.channels == "rgb" else ("bgr",)  # rgb is what nothing said means

    @property
    def normalizations(self) -> tuple[Normalization, ...]:
        return (GIVEN,) if self.given("mean") or "mean" not in self.known else NORMALIZATIONS

    def contract(self, keys: Keys, kind: Kind) -> Preprocess:
        return self.teacher(keys, kind).preprocess
