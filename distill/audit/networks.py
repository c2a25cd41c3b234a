"""The networks beside which the paper prints its own, as libraries have them and, where those differ, as published.

None has weights; build them on the meta device.
"""

from collections.abc import Callable
from typing import Any

from torch import nn

from distill.audit import detectors
from students.mobilenet_v1 import mobilenet_v1


def alexnet_2012(outputs: int) -> nn.Module:
    """AlexNet as published: (N, 3, 227, 227) to (N, outputs); the second, fourth and fifth layer are in two groups."""
    return nn.Sequential(
        *[nn.Conv2d(3, 96, 11, stride=4), nn.ReLU(), nn.MaxPool2d(3, 2)],
        *[nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2)],
        *[nn.Conv2d(256, 384, 3, padding=1), nn.ReLU()],
        *[nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU()],
        *[nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten()],
        *[nn.Linear(256 * 6 * 6, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, outputs)],
    )


def googlenet(outputs: int) -> nn.Module:
    """torchvision's, without the two auxiliary classifiers."""
    from torchvision import models

    return models.googlenet(weights=None, num_classes=outputs, aux_logits=False, init_weights=False)


def googlenet_5x5(outputs: int) -> nn.Module:
    """The same with the 5x5 convolutions of arXiv 1409.4842, for which torchvision has 3x3."""
    from torchvision.models.googlenet import Inception

    network = googlenet(outputs)
    for module in network.modules():
        if isinstance(module, Inception):
            small = module.branch3[1].conv
            module.branch3[1].conv = nn.Conv2d(small.in_channels, small.out_channels, 5, padding=2, bias=False)
    return network


def mobilenet_stem_16(outputs: int) -> nn.Module:
    """MobileNet v1 of width 0.25 whose first layer has 16 channels, not a quarter of 32."""
    network: Any = mobilenet_v1(0.25, outputs=outputs)
    network.conv_stem = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
    first = network.blocks[0][0]
    first.conv_dw = nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False)
    first.conv_pw = nn.Conv2d(16, first.conv_pw.out_channels, 1, bias=False)
    network.bn1, first.bn1 = nn.BatchNorm2d(16), nn.BatchNorm2d(16)
    return network


def _torchvision(name: str) -> Callable[[int], nn.Module]:
    def build(outputs: int) -> nn.Module:
        from torchvision import models

        return models.get_model(name, weights=None, num_classes=outputs)

    return build


def _inception_v3(outputs: int) -> nn.Module:
    import timm

    return timm.create_model("inception_v3", pretrained=False, num_classes=outputs)


BUILDERS: dict[str, Callable[[int], nn.Module]] = {
    "AlexNet": _torchvision("alexnet"),
    "AlexNet of 2012": alexnet_2012,
    "Faster-RCNN MobileNet": detectors.faster_rcnn_mobilenet,
    "Faster-RCNN VGG": detectors.faster_rcnn_vgg,
    "GoogLeNet": googlenet,
    "GoogLeNet with 5x5": googlenet_5x5,
    "Inception V3": _inception_v3,
    "MobileNet 0.25 with 16 channels in the stem": mobilenet_stem_16,
    "SSD MobileNet": detectors.ssd_mobilenet,
    "SSD VGG": detectors.ssd_vgg,
    "SqueezeNet": _torchvision("squeezenet1_0"),
    "VGG16": _torchvision("vgg16"),
}
