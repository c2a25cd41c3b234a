"""What is fuzzed: of each kind of input some valid ones, a way to change them, and what reads them."""

import io
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.campaign import readers, valid
from tests.campaign.commands import command_lines, drawn_line, run_command
from tests.campaign.mutate import flipped, json_of, text_of, value, yaml_of

Mutate = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Target:
    """One place that loads.

    Attributes:
        name: of the kind of input and of what reads it.
        seeds: valid inputs, by the name of their file.
        read: reads a file in a folder that is empty but for it, as the program does.
        mutate: changes the content of a file.
        batch: inputs of one trial: the slower, the fewer.
    """

    name: str
    seeds: Sequence[tuple[str, bytes]]
    read: Callable[[Path], object]
    mutate: Mutate = flipped
    batch: int = 300


def targets(reference: Callable[[str], Path]) -> list[Target]:
    """All of them.

    Args:
        reference: where a scenario left its files.
    """
    from tests.campaign import sets

    run = reference("run") / "run"
    exported = [("a.onnx", valid.tiny_onnx()), ("student.onnx", (run / "export" / "student.onnx").read_bytes())]
    return [
        Target("pictures", valid.pictures(), readers.picture, batch=4000),
        Target("safetensors", [("a.safetensors", valid.safetensors())], readers.weights, safetensors_of, 4000),
        Target("torch files", valid.torch_files(), readers.weights, torch_of, 2000),
        Target("ONNX, opened", exported, readers.opened, flipped, 150),
        Target("ONNX, its fields", exported[:1], readers.opened, onnx_of, 300),
        Target("ONNX, its facts", exported[:1], readers.facts, onnx_of, 200),
        Target("ONNX, as a teacher", exported[:1], readers.teacher, onnx_of, 150),
        Target(".tflite", [("a.tflite", valid.tflite())], readers.opened, flipped, 100),
        Target("CSV tables", [("a.csv", valid.TABLE), ("b.csv", valid.LANDMARKS)], readers.table, text_of, 1000),
        Target("lists", valid.lists(), readers.listed, text_of, 4000),
        Target(".mat lists", [("file_list.mat", valid.mat_list())], readers.mat, flipped, 300),
        Target("recipes", valid.recipes(), readers.recipe, yaml_of, 20),
        Target("command lines", command_lines(), run_command, drawn_line, 30),
        *sets.targets(reference),
    ]


def safetensors_of(content: bytes, rng: random.Random) -> bytes:
    """Bytes, or what the header says, of the right length."""
    if rng.random() < 0.4:
        return flipped(content, rng)
    length = int.from_bytes(content[:8], "little")
    header = json_of(content[8 : 8 + length], rng)
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def torch_of(content: bytes, rng: random.Random) -> bytes:
    """Bytes, or those of one file of the archive, packed again."""
    if rng.random() < 0.4 or not content.startswith(b"PK"):
        return flipped(content, rng)
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(packed, "w") as changed:
        names = archive.namelist()
        damaged = rng.choice(names)
        for name in names:
            data = archive.read(name)
            if name == damaged:
                draw = rng.random()
                if draw < 0.1:
                    continue
                data = flipped(data, rng)
                name = rng.choice((name, f"../{name}", "/tmp/x", name.upper())) if draw < 0.2 else name
            changed.writestr(name, data)
    return packed.getvalue()


def onnx_of(content: bytes, rng: random.Random) -> bytes:
    """A field of the graph that says something else, or bytes."""
    import onnx
    from google.protobuf.message import DecodeError

    if rng.random() < 0.3:
        return flipped(content, rng)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        return flipped(content, rng)
    for _ in range(rng.choice((1, 1, 2))):
        _change_message(model, rng)
    return bytes(model.SerializeToString())


def _change_message(message: Any, rng: random.Random) -> None:
    """One field of a message, or of one inside of it."""
    for _ in range(rng.randrange(8)):
        inner = [
            one
            for field, content in message.ListFields()
            if field.message_type is not None
            for one in (content if _repeated(field) else [content])
        ]
        if not inner:
            break
        message = rng.choice(inner)
    fields = list(message.DESCRIPTOR.fields)
    field = (
        rng.choice([field for field, _ in message.ListFields()] or fields) if rng.random() < 0.8 else rng.choice(fields)
    )
    if rng.random() < 0.2:
        message.ClearField(field.name)
        return
    drawn: Any = value(rng)
    if field.message_type is not None:
        if _repeated(field) and len(getattr(message, field.name)):
            content = getattr(message, field.name)
            content.append(content[rng.randrange(len(content))])
        return
    numbers = (0, 1, -1, 2, 3, 7, 16, 255, 2**31 - 1, 2**31, 2**62, rng.getrandbits(20))
    words = (
        "",
        "weights",
        "pictures",
        "logits",
        "Loop",
        "If",
        "PythonOp",
        "../../etc/passwd",
        "EXTERNAL",
        str(drawn)[:300],
    )
    try:
        if _repeated(field):
            drawn = rng.choice(words) if field.cpp_type == field.CPPTYPE_STRING else rng.choice(numbers)
            getattr(message, field.name).append(drawn.encode() if field.type == field.TYPE_BYTES else drawn)
        elif field.cpp_type == field.CPPTYPE_STRING:
            drawn = rng.choice(words)
            setattr(message, field.name, drawn.encode("utf-8", "replace") if field.type == field.TYPE_BYTES else drawn)
        else:
            setattr(message, field.name, rng.choice(numbers))
    except (TypeError, ValueError):  # not of this field's type
        message.ClearField(field.name)


def _repeated(field: Any) -> bool:
    return bool(field.is_repeated)
