"""What families of students that find boxes share: a body from a classifier's weights, and layers of their own."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from students.head import Boxed
from students.timm_student import TimmFamily

COCO = 91
"""Classes of TensorFlow's, the background among them; what Table 13 of the paper is counted with."""
PRIOR = 0.01
"""Of every class before training: else the many anchors without a box are all that the first steps see."""


class DetectorFamily(TimmFamily):
    """Students that find boxes: what their bases build is the body alone, which lies at `body.network`."""

    heads: ClassVar[tuple[str, ...]] = ("pyramid",)
    counted_outputs: ClassVar[int] = COCO

    def head_for(self, outputs: int) -> Boxed:
        return Boxed(outputs)

    def renamed(self, tensors: Mapping[str, Tensor], network: nn.Module) -> Mapping[str, Tensor]:
        """Those of such a detector as they are; of another student, or of a classifier, those of its body."""
        own = network.state_dict().keys()
        if any(name in own and not name.startswith("body.") for name in tensors):
            return tensors
        tensors = super().renamed(tensors, network)
        body = {f"body.network.{name.removeprefix('body.network.')}": tensor for name, tensor in tensors.items()}
        return {name: tensor for name, tensor in body.items() if name in own}
