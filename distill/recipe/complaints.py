"""What jsonargparse complains of in a recipe or a command line, as people are told it: the key, what was found, and
what was expected."""

import importlib
import re
from dataclasses import fields

from distill.errors import ECHOED, echo, shortened
from distill.recipe.keys import Keys

_UNION = re.compile(
    r'Parser key "([\w.]+)": Does not validate against any of the Union subtypes Subtypes: (.*) Errors: - (.*) '
    r"Given value type: .* Given value: (.*)"
)
"""What jsonargparse says of a value that is none of several types; which of them, why not each, and the value."""
_EXPECTED = re.compile(r'Parser key "([\w.]+)": Expected an? (.*?)\. Got value: (.*)')
"""What it says of a value that is not of the one type its key has."""
_INSIDE = re.compile(r"NestedArg\(key='(\w+)'")
"""What it says there of a key inside of that one, such as align.file."""


def explained(message: str, keys: Keys) -> str:
    """The complaint in one line and in words of ours, with the valid keys beside one that is unknown.

    Args:
        message: of jsonargparse.
        keys: that there are.
    """
    if "nrecognized" in message:
        for key in re.findall(r"--([\w.]+)", message):
            if key not in keys.names:
                return keys.unknown(key)
    message = _shortened(" ".join(message.split()))
    if union := _UNION.match(message):
        key, kinds, reasons, value = union.groups()
        if inside := _INSIDE.match(value):
            return _explain_inside(key, inside[1], kinds, reasons)
        if words := re.search(r"typing\.Literal\[(.*?)\]", kinds):
            null = ", or null" if "NoneType" in kinds else ""
            return f"{key} is {value}, expected one of {words[1].replace(chr(39), '')}{null}."
        reason = next((one for one in reasons.split(" - ") if "Problem with" in one), reasons.split(" - ")[0])
        return f"{key} is {shortened(value)}: {shortened(reason)}."
    if wrong := _EXPECTED.match(message):
        key, kind, value = wrong.groups()
        if kind == "<class 'tuple'>":
            return f"{key} is {echo(value)}, expected a list: '[{shortened(value)}]'."
        if words := re.match(r"typing\.Literal\[(.*)\]", kind):
            return f"{key} is {echo(value)}, expected one of {words[1].replace(chr(39), '')}."
        kind = re.sub("<class '(.*?)'>", r"\1", kind)
        return f"{key} is {echo(value)}, expected {kind}."
    return message


def _explain_inside(key: str, name: str, kinds: str, reasons: str) -> str:
    """A complaint about a key inside of another.

    Args:
        name: of it.
        kinds: the types that the outer one may be of; one is made of keys and values.
    """
    module, _, kind = re.findall(r"<class '([\w.]+)'>", kinds)[0].rpartition(".")
    if "is not accepted" in reasons:
        known = [f"{key}.{field.name}" for field in fields(getattr(importlib.import_module(module), kind))]
        return Keys(known, {}).unknown(f"{key}.{name}")
    wrong = re.search(r'Parser key "\w+": (.*?)(?: - |$)', reasons)
    return f"{key}.{name}: {shortened(wrong[1] if wrong else reasons)}."


def _shortened(message: str) -> str:
    """A message of the parser's, which repeats a value whole, without the middle of what is long."""
    for begin, inner, end in (("'", "[^']", "'"), (r"\[", r"[^\]]", r"\]"), (r"(?<=\s)", r"\S", "")):
        message = re.sub(rf"(?<!\w)({begin}{inner}{{{ECHOED}}}){inner}+({end})", r"\1... (cut)\2", message)
    return message
