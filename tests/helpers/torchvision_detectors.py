"""torchvision's detectors with weights at random that find many things, made without the seconds its own take."""

from typing import Any

import torch
from torch import nn


def detector_at_random(model: str, outputs: int = 4, **keys: Any) -> Any:
    """In eval mode; scores spread over 0..1, so that their order does not hang on rounding."""
    from torchvision.models import detection

    with torch.device("meta"):
        network: Any = getattr(detection, model)(weights=None, weights_backbone=None, num_classes=outputs, **keys)
    network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
            tensor.uniform_(0.8, 1.2, generator=generator)
        elif tensor.ndim > 1:
            spread = (2 / tensor[0].numel()) ** 0.5  # as He et al. have it
            spread *= 0.1 if "cls_logits" in name or "bbox_reg" in name else 1.0
            tensor.normal_(0, spread, generator=generator)
        elif tensor.is_floating_point():
            tensor.normal_(0, 0.1, generator=generator)
        else:
            tensor.zero_()
    return network.eval()


def renormalised(network: nn.Module, pictures: torch.Tensor) -> None:
    """Give batch normalisation the statistics of these pictures, so that what deep layers see differs among places."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
            module.momentum = 1.0
    with torch.no_grad():
        network(list(pictures))
    network.eval()
