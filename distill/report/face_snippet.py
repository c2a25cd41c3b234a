"""From a photograph to what the student says of the face in it, without this library, as the model card prints it.

The code is for YuNet's layout, in onnxruntime, with numpy and Pillow. Pillow reads a pixel of a turned picture between
four others, which would skip some where a face is reduced; so the face is drawn larger and averaged.
"""

from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.faces.decoding import YUNET
from distill.faces.detector import LEAST, Detector
from distill.faces.settings import Detect
from distill.preprocess.landmarks import LANDMARKS, TEMPLATES
from distill.report.snippets import answers_of, reading_answers
from students.manifest import StudentManifest

_CODE = """\
import numpy as np
import onnxruntime
from PIL import Image, ImageOps

detector = onnxruntime.InferenceSession("{detector}")
student = onnxruntime.InferenceSession("{student}")
# Where to bring {names}.
wanted = np.array([{wanted}])

def pixels_of(path):
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    wide, tall = (max(1, round(size * min(1, {side} / max(picture.size)))) for size in picture.size)
    shown = np.zeros((-(-tall // 32) * 32, -(-wide // 32) * 32, 3), np.float32)
    shown[:tall, :wide] = np.asarray(picture.resize((wide, tall), Image.Resampling.BILINEAR))[..., ::-1]
    outputs = detector.run(None, {{detector.get_inputs()[0].name: shown.transpose(2, 0, 1)[None]}})
    having = {{n: sorted((one[0] for one in outputs if one.shape[-1] == n), key=len, reverse=True) for n in (1, 4, 10)}}
    ratio, faces = np.array(picture.size) / (wide, tall), []
    for k, stride in enumerate((8, 16, 32)):
        scores = np.sqrt(np.prod(having[1][2 * k : 2 * k + 2], axis=0).clip(0, 1))[:, 0]
        for row in np.flatnonzero(scores >= {least}):
            cell, box = np.array(divmod(row, shown.shape[1] // stride)[::-1]), having[4][k][row]
            places = np.stack([cell + box[:2], *(cell + having[10][k][row].reshape(5, 2))]) * stride
            faces.append((scores[row], np.exp(box[2:]) * stride * ratio, (places + 0.5) * ratio - 0.5))
    kept = []  # the surest, without those that lie on a surer one
    for score, size, places in sorted(faces, key=lambda face: -face[0]):
        both = [((size + s) / 2 - abs(places[0] - p[0])).clip(0, np.minimum(size, s)).prod() for s, p in kept]
        if all(one <= 0.3 * (size.prod() + s.prod() - one) for one, (s, _) in zip(both, kept)):
            kept.append((size, places))
{choice}
    start = places[{numbers}] @ [1, 1j]
    a = np.vdot(start - start.mean(), start - start.mean()) / np.vdot(start - start.mean(), wanted - wanted.mean())
    shift, fine = start.mean() - a * wanted.mean() + (1 - a) * (0.5 + 0.5j), max(1, int(np.ceil(abs(a))))
    turn = (a.real / fine, -a.imag / fine, shift.real, a.imag / fine, a.real / fine, shift.imag)
    canvas = {wide} * fine, {tall} * fine
    face = picture.transform(canvas, Image.Transform.AFFINE, turn, Image.Resampling.BILINEAR).reduce(fine)
    return np.asarray(face.resize(({width}, {height}), Image.Resampling.{kernel}))[None]

"""
_LARGEST = "    _, places = max(kept, key=lambda face: face[0].prod())"
_CENTRAL = """\
    large = [face for face in kept if face[0].prod() * 4 >= max(size.prod() for size, _ in kept)]
    _, places = min(large, key=lambda face: np.hypot(*(face[1][0] - (np.array(picture.size) - 1) / 2)))"""
_LOOKING_UP = """\
known = {{"Ann": "ann.jpg", "Bob": "bob.jpg"}}
vectors = [student.run(None, {{"pictures": pixels_of(path)}})[{place}][0] for path in (*known.values(), "picture.jpg")]
cosine, name = max(zip(np.array(vectors[:-1]) @ vectors[-1], known))
print({name}, cosine)
"""
_ANSWERING = '{answers} = student.run(None, {{"pictures": pixels_of("picture.jpg")}})\n'


def from_photograph(detect: Detect | None, manifest: StudentManifest, student: str | None) -> str | None:
    """Code that finds the face of picture.jpg and looks it up, or makes `answers` of it; None where faces are not
    found, by a file that is no detector, by another than YuNet's, or of a picture of one size alone.

    Args:
        student: its ONNX file as the card names it; None where there is none.
    """
    if detect is None or detect.file is None or student is None or not detect.file.expanduser().is_file():
        return None
    try:
        facts = Detector(detect.file, detect.side).facts()
    except DistillError:  # damaged since, or no detector: the card of a run that is done is written without it
        return None
    if facts["layout"] != YUNET.name or facts["fixed"] is not None:
        return None
    points = TEMPLATES[detect.to].cut(*manifest.picture)
    names = [name for name in LANDMARKS if name in points]
    code = _CODE.format(
        detector=detect.file.name,
        student=student,
        wanted=", ".join(f"{points[name][0]:.2f} + {points[name][1]:.2f}j" for name in names),
        names=", ".join(name.replace("_", " ") for name in names),
        side=detect.side,
        least=max(detect.least_score, LEAST),
        choice=_LARGEST if detect.face == "largest" else _CENTRAL,
        numbers=[1 + LANDMARKS.index(name) for name in names],
        tall=manifest.picture[0],
        wide=manifest.picture[1],
        height=manifest.preprocess.height,
        width=manifest.preprocess.width,
        kernel=manifest.preprocess.interpolation.upper(),
    )
    return code + _reading(manifest.answers)


def _reading(kind: Kind) -> str:
    """What `pixels_of` is used for."""
    if kind.vectors is None:
        return _ANSWERING.format(answers=answers_of(kind)) + reading_answers(kind)
    threshold = next(iter(kind.same_from.values()), None)
    name = "name" if threshold is None else f'name if cosine >= {threshold:.4f} else "unknown"'
    return _LOOKING_UP.format(place=kind.tensors.index(kind.vectors), name=name)
