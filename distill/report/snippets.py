"""How to load each exported format in its own runtime, as the model card prints it: code that runs as it stands.

The blocks follow one another in one session. The first makes `pixels`, each format's makes `answers` of them, and the
last, which the kind of answers has, says what those mean. They use no part of this library, so that a file can be
shipped without it.
"""

from distill.answers.kind import Kind
from distill.preprocess.preprocess import PADDING, Fit
from students.manifest import StudentManifest

_ONNX = """\
import onnxruntime

session = onnxruntime.InferenceSession("{file}")
{answers} = session.run(None, {{"pictures": pixels}})
"""
_OPENVINO = """\
import openvino

# At the hint's default the CPU plugin may calculate in bfloat16.
model = openvino.compile_model("{file}", "CPU", {{"INFERENCE_PRECISION_HINT": "f32"}})
{answers} = model(pixels).to_tuple()
"""
_EXECUTORCH = """\
import torch
from executorch.runtime import Runtime

method = Runtime.get().load_program("{file}").load_method("forward")
{answers} = (output.numpy() for output in method.execute([torch.from_numpy(pixels.copy())]))
"""
_LOADING = {
    "onnx": _ONNX,
    "onnx-int8": _ONNX,
    "openvino": _OPENVINO,
    "openvino-int8": _OPENVINO,
    "executorch": _EXECUTORCH,
    "executorch-int8": _EXECUTORCH,
}
_SERVING = "python -m http.server --directory {file}  # and open http://localhost:8000\n"

_CROP = """\
tall = min(picture.height, round(picture.width * {tall} / {wide}))
wide = min(picture.width, round(picture.height * {wide} / {tall}))
top, left = (picture.height - tall) // 2, (picture.width - wide) // 2
picture = picture.crop((left, top, left + wide, top + tall)).resize(({wide}, {tall}), Image.Resampling.BILINEAR)
"""
_STRETCH = """\
picture = picture.resize(({wide}, {tall}), Image.Resampling.BILINEAR)
"""
_PAD = """\
tall = min({tall}, max(1, round({wide} * picture.height / picture.width)))
wide = min({wide}, max(1, round({tall} * picture.width / picture.height)))
whole = picture.resize((wide, tall), Image.Resampling.BILINEAR)
picture = Image.new("RGB", ({wide}, {tall}), ({grey}, {grey}, {grey}))
picture.paste(whole, {corner})
"""
_CENTRED, _CORNER = "(({wide} - wide) // 2, ({tall} - tall) // 2)", "(0, 0)"
_FITS: dict[Fit, str] = {
    "crop": _CROP,
    "stretch": _STRETCH,
    "pad": _PAD.replace("{corner}", _CENTRED),
    "pad_corner": _PAD.replace("{corner}", _CORNER),
}
_OPENING = """\
import numpy as np
from PIL import Image, ImageOps

picture = ImageOps.exif_transpose(Image.open("picture.jpg")).convert("RGB")  # of 8 bits a channel
"""
_PIXELS = """\
picture = picture.resize(({width}, {height}), Image.Resampling.{kernel})
pixels = np.asarray(picture)[None]  # uint8 (1, {height}, {width}, 3)
"""


def reading_picture(manifest: StudentManifest) -> str:
    """From picture.jpg to `pixels`, uint8 (1, h, w, 3)."""
    tall, wide = manifest.picture
    preprocess = manifest.preprocess
    code = _OPENING + _FITS[manifest.fit] + _PIXELS
    return code.format(
        tall=tall,
        wide=wide,
        grey=PADDING,
        height=preprocess.height,
        width=preprocess.width,
        kernel=preprocess.interpolation.upper(),
    )


def answers_of(kind: Kind) -> str:
    """Where code puts the answers: of one tensor `answers`, of several their names."""
    return ", ".join(kind.tensors) if len(kind.tensors) > 1 else "(answers,)"


def reading_answers(kind: Kind) -> str:
    """What the answers to one picture say: the kind's own code, or all of them printed."""
    names = kind.tensors if len(kind.tensors) > 1 else ("answers",)
    return kind.reading or f"print({', '.join(f'{name}[0]' for name in names)})\n"


def loading(format_name: str, file: str, kind: Kind) -> tuple[str, str] | None:
    """The language and the code that takes `pixels` to the answers (1, ...); None of a format without such code."""
    if format_name == "web":
        return "sh", _SERVING.format(file=file)
    return (
        ("python", _LOADING[format_name].format(file=file, answers=answers_of(kind)))
        if format_name in _LOADING
        else None
    )
