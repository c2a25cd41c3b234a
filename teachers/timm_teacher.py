"""Any timm network as a teacher: pretrained from the hub, or from a weights file."""

import logging
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import timm
import timm.data
import torch
from torch import Tensor, nn

from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.files.checkpoint import fitting_names, read_weights
from distill.files.weights import head_tensors, hub_cfg, hub_network, load_weights
from distill.preprocess.preprocess import WHOLE, Channels, Interpolation, Preprocess
from teachers.class_map import ClassMap, load_classifier
from teachers.teacher import Teacher, TeacherConfig, check_weights_of, read_classes
from teachers.torch_teacher import TorchTeacher

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timm(TeacherConfig):
    """A timm network.

    Args:
        model: its name in timm, for example `mobilenetv2_100`.
        weights: a safetensors or torch file; None for the pretrained weights of the hub; `scratch` for a network at
            random, which must be taught first.
        weights_of: the entry of that file to take, where it holds several sets of weights, such as `state_dict`. None:
            averaged ones (`state_dict_ema`, `model_ema`) before the others.
        model_args: more arguments for timm, for example `{pad_type: same}` for weights from TensorFlow.
        height: pixels it sees; None for the size timm says its weights were trained at. So with the next four.
        width: pixels it sees.
        interpolation: how pictures are brought to that size.
        mean: subtracted from values in 0..1.
        std: divided by after that.
        crop: top, left, height, width of the part of a picture it sees, as shares of it; None for the whole.
        channels: in which order it eats the three, rgb or bgr; mean and std stay in that of red, green, blue.
        classes: names of its outputs in order: a list, or a file with one a line or a JSON list. Those of the data's
            classes are selected by them, whatever the order.
        embedding: of a teacher of embeddings: the dimensions of the linear layer its weights end in; None for its
            pooled features, before any classifier.
        class_map: of more outputs than the data's classes, which are which, by WordNet id: imagenet (1000),
            imagenet_background (1001, the first none of them), or a file with the id of each output a line, in order.
        mirror: of a teacher of classes: answer with the mean of the logits of a picture and of its mirror image.
    """

    model: str
    name: Literal["timm"] = "timm"
    weights: Literal["scratch"] | Path | None = None
    weights_of: str | None = None
    model_args: dict[str, Any] = field(default_factory=dict)
    height: int | None = None
    width: int | None = None
    interpolation: Interpolation | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    crop: tuple[float, float, float, float] | None = None
    channels: Channels = "rgb"
    classes: tuple[str, ...] | Path | None = None
    embedding: int | None = None
    class_map: ClassMap | None = None
    mirror: bool = False
    ready_made: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_weights_of(self.weights_of, self.weights)
        if self.embedding is not None and self.embedding < 1:
            raise DistillError(f"teacher.embedding is {self.embedding}, expected at least 1 dimension, or null.")

    def teacher(self, kind: Kind) -> Teacher:
        """A frozen teacher: of classes, those of the data among its outputs; else of one tensor, as many numbers as the
        kind wants, or where it leaves that open its raw embeddings (N, D).

        Raises:
            DistillError: its outputs are not these, or the weights cannot be had.
        """
        return self._unnamed(kind) if kind.class_names is None else load_classifier(self, kind.class_names, kind)

    def own_classes(self) -> tuple[str, ...] | None:
        return read_classes(self.classes)

    def trainable(
        self, kind: Kind, drop_rate: float = 0.0, drop_path_rate: float = 0.0
    ) -> tuple[nn.Module, Preprocess]:
        """The bare network, from normalised float (N, 3, h, w), and its input contract.

        It may be at random (`weights: scratch`), or have a new last layer: of the kind's outputs, or where it leaves
        that open of `embedding` dimensions.

        Raises:
            DistillError: as `network`.
        """
        outputs = kind.outputs or self.embedding or 0
        network = self.network(outputs, new_head=True, drop_rate=drop_rate, drop_path_rate=drop_path_rate)
        return network, self.preprocess(network)

    def load(self, outputs: int) -> TorchTeacher:
        """The teacher, with every weight trained and all its outputs.

        `teacher` selects those of the data.

        Raises:
            DistillError: its classifier does not have that many outputs, or the weights cannot be had.
        """
        network = self.network(outputs, new_head=False)
        return TorchTeacher(network, self.preprocess(network), outputs, read_classes(self.classes), self.full_name)

    def _unnamed(self, kind: Kind) -> TorchTeacher:
        """A frozen teacher of one tensor (N, D) without names, with every weight trained."""
        network = self.network(kind.outputs or self.embedding or 0, new_head=False)
        preprocess = self.preprocess(network)
        with torch.no_grad():
            answer: Tensor = network.eval()(torch.zeros(1, 3, preprocess.height, preprocess.width))
        return TorchTeacher(network, preprocess, {kind.raw[0]: (answer.shape[1],)}, None, self.full_name)

    def network(self, outputs: int, new_head: bool, drop_rate: float = 0.0, drop_path_rate: float = 0.0) -> nn.Module:
        """The bare network, trainable: normalised float (N, 3, h, w) to logits (N, outputs).

        Args:
            outputs: 0 leaves the classifier out, and gives pooled features.
            new_head: put a new classifier, at random, where the weights' has another number of outputs; it is logged as
                a warning. For a teacher that is fine-tuned on labels first: a frozen one must not have it.
            drop_rate: dropout before the classifier.
            drop_path_rate: the share of residual branches dropped, where the network has them.

        Raises:
            DistillError: timm has no such network or argument, or the weights do not fit or cannot be had.
        """
        self._check_name()
        rates = {"drop_rate": drop_rate, "drop_path_rate": drop_path_rate}
        arguments = {key: rate for key, rate in rates.items() if rate} | self.model_args
        try:
            if self.weights == "scratch":
                if not new_head:
                    raise DistillError("teacher.weights: scratch is no teacher; teach it first (stages: [teach, ...]).")
                return timm.create_model(self.model, pretrained=False, num_classes=outputs, **arguments)
            if self.weights is None:
                network, left = hub_network(self.model, outputs, new_head, arguments)
            else:
                network = timm.create_model(self.model, pretrained=False, num_classes=outputs or 1, **arguments)
                tensors = read_weights(self.weights, self.weights_of)
                tensors = fitting_names(tensors, network.state_dict(), self.weights)
                if not outputs:
                    classifier = head_tensors(network)
                    tensors = {name: tensor for name, tensor in tensors.items() if name not in classifier}
                    cast(Any, network).reset_classifier(0)
                left = load_weights(network, tensors, self.weights, allow_new_head=new_head)
        except TypeError as error:
            raise DistillError(
                f"teacher.model_args: {self.model} does not take one of {sorted(arguments)} ({error}). Leave it out."
            ) from error
        except DistillError:
            raise
        except Exception as error:  # whatever a network makes of a value that it cannot use
            if not self.model_args:
                raise
            raise DistillError(
                f"teacher.model: {self.model} cannot be built with model_args {self.model_args} "
                f"({type(error).__name__}: {error}). Check names and values, or leave them out."
            ) from error
        if left:
            log.warning(
                "teacher %s: a new classifier of %d outputs, at random: %s.", self.model, outputs, ", ".join(left)
            )
        return network

    def preprocess(self, network: nn.Module) -> Preprocess:
        """The network's input contract: timm's where the recipe does not say otherwise.

        Raises:
            DistillError: the network only takes one size and the recipe names another.
        """
        cfg = timm.data.resolve_model_data_config(network)
        _, height, width = cfg["input_size"]
        preprocess = Preprocess(
            self.height or height,
            self.width or width,
            cast(Interpolation, self.interpolation or cfg["interpolation"]),
            self.mean or cfg["mean"],
            self.std or cfg["std"],
            self.crop or WHOLE,
            self.channels,
        )
        fixed = hub_cfg(self.model).fixed_input_size and "img_size" not in self.model_args
        if fixed and (preprocess.height, preprocess.width) != (height, width):
            raise DistillError(
                f"teacher.height, teacher.width: {preprocess.height} x {preprocess.width}, but {self.model} takes only "
                f"{height} x {width}. Leave them out, or tell timm too: teacher.model_args: {{img_size: ...}}."
            )
        return preprocess

    def outputs_of_weights(self) -> int | None:
        """How many outputs the classifier of its weights has; None where they have none, or cannot be read as its own.

        Raises:
            DistillError: timm has no such network, or the file cannot be read.
        """
        self._check_name()
        if not isinstance(self.weights, Path):
            return None if self.weights else hub_cfg(self.model).num_classes
        network = timm.create_model(self.model, pretrained=False, **self.model_args)
        tensors = fitting_names(read_weights(self.weights, self.weights_of), network.state_dict(), self.weights)
        return next((len(tensors[name]) for name in sorted(head_tensors(network)) if name in tensors), None)

    @property
    def full_name(self) -> str:
        """The model with its arguments."""
        return " ".join([self.model, *(f"{key}={value}" for key, value in sorted(self.model_args.items()))])

    def _check_name(self) -> None:
        architecture, _, tag = self.model.partition(".")
        if not timm.is_model(architecture):
            close = ", ".join(get_close_matches(architecture, timm.list_models(), n=5, cutoff=0.4))
            raise DistillError(f"teacher.model: timm has no {self.model!r}. Close to it: {close or 'nothing'}.")
        tagged = timm.list_pretrained(f"{architecture}.*")
        if tag and self.model not in tagged:
            raise DistillError(f"teacher.model: no weights {tag!r} of {architecture}. There are: {', '.join(tagged)}.")
