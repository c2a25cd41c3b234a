"""Ways to damage an input: bytes, text, and what JSON holds. Each draws from a generator, and nothing else."""

import json
import random
from collections.abc import Callable
from typing import Any

_BYTES = (0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x2F, 0x22)
_NUMBERS = (0, -1, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308, 5e-324)
WORDS = (
    *(
        "",
        " ",
        "null",
        "true",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "-1",
        "0",
        "1.5",
        "99999999999999999999",
        "0x1f",
        "1_000",
    ),
    *(
        "../../../../etc/passwd",
        "/dev/zero",
        "/",
        ".",
        "~",
        "a\x00b",
        "\ud800",
        "\u202e",
        "\ufeff",
        "ä",
        "日本",
        "%s",
        "{}",
        "${x}",
    ),
    *("n02085620", "train", "test", "[", "]", "{", "}", ":", ",", "#", "'", '"', "\\", "\t", "\r", "\n", "A" * 5000),
)
_YAML = (
    *(
        "!!python/object/apply:os.system ['touch payload']",
        "!!timestamp 2001-99-99",
        "2001-02-30",
        "!!int x",
        "!!bool z",
    ),
    *(
        "!!map [1]",
        "!!binary AA",
        "!!set {a}",
        "&a [*a]",
        "&a {b: *a}",
        "*missing",
        "<<: {a: 1}",
        "? a",
        "| text",
        "> text",
    ),
    *(
        "9" * 5000,
        "[" * 900,
        "{" * 900,
        "- " * 900,
        "%YAML 9.9",
        "---",
        "...",
        "!x y",
        "0o777",
        "1:2:3",
        "=",
        "<<",
        ".nan",
        ".inf",
    ),
    *("\x85", "\x07", "\t", "'", '"', "@a", "`a"),
)


def flipped(content: bytes, rng: random.Random) -> bytes:
    """Bytes changed, cut out, doubled, cut short or taken from elsewhere, once to five times."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        if not changed:
            break
        at = rng.randrange(len(changed))
        # Most of what is read first, and decides, stands at the beginning.
        at = at % 64 if rng.random() < 0.3 else at
        length = min(len(changed) - at, rng.choice((1, 1, 2, 4, 8, 64, 1024)))
        way = rng.randrange(8)
        if way == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            changed[at] = rng.choice(_BYTES)
        elif way == 2:
            del changed[at : at + length]
        elif way == 3:
            changed[at:at] = changed[at : at + length] * rng.choice((1, 2, 50))
        elif way == 4:
            del changed[at:]
        elif way == 5:
            changed[at : at + length] = rng.randbytes(length)
        elif way == 6:
            size = rng.choice((1, 2, 4, 8))
            number = rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, rng.getrandbits(63)))
            changed[at : at + size] = (number % 256**size).to_bytes(size, rng.choice(("little", "big")))
        else:
            other = rng.randrange(len(changed))
            changed[at : at + length] = changed[other : other + length]
    return bytes(changed)


def text_of(content: bytes, rng: random.Random, more: tuple[str, ...] = ()) -> bytes:
    """Lines and fields doubled, lost, swapped or replaced; then other ends of lines, or another encoding."""
    text = content.decode("utf-8", errors="replace")
    for _ in range(rng.choice((1, 1, 2, 4))):
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        way = rng.randrange(7)
        word = rng.choice(WORDS + more)
        if way == 0:
            del lines[at]
        elif way == 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif way == 2:
            lines.insert(at, word)
        elif way in (3, 4):
            separator = rng.choice((",", " ", "\t", ":", ";", " "))
            fields = lines[at].split(separator)
            field = rng.randrange(len(fields))
            if way == 3:
                fields[field] = word
            elif rng.random() < 0.5:
                del fields[field]
            else:
                fields.insert(field, fields[-1])
            lines[at] = separator.join(fields)
        elif way == 5 and lines[at]:
            place = rng.randrange(len(lines[at]))
            lines[at] = lines[at][:place] + word + lines[at][place + rng.randrange(3) :]
        else:
            lines = lines[: at + 1]
        text = "\n".join(lines)
    draw = rng.random()
    if draw < 0.05:
        text = text.replace("\n", rng.choice(("\r\n", "\r", "\x85", "\u2028")))
    encoding = rng.choice(("latin-1", "utf-16", "utf-32", "utf-8-sig", "cp037")) if draw > 0.93 else "utf-8"
    encoded = text.encode(encoding, errors="surrogatepass" if encoding.startswith("utf") else "replace")
    return flipped(encoded, rng) if rng.random() < 0.1 else encoded


def yaml_of(content: bytes, rng: random.Random) -> bytes:
    """Text whose fields become what YAML reads in its own way; or keys and values changed, as of JSON."""
    return text_of(content, rng, _YAML * 3) if rng.random() < 0.6 else json_of(content, rng)


def json_of(content: bytes, rng: random.Random) -> bytes:
    """A key lost, doubled or renamed, or a value of another kind; in a tenth of all cases damaged bytes."""
    if rng.random() < 0.1:
        return flipped(content, rng)
    try:
        tree = json.loads(content)
    except ValueError:
        return flipped(content, rng)
    holder = [tree]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        change(holder, rng)
    text = json.dumps(holder[0] if holder else None, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.1:
        text = text.replace("0", "1e400", 1)
    return text.encode("utf-8", errors="surrogatepass")


def change(holder: list[Any], rng: random.Random) -> None:
    """Change one place of a tree of lists and mappings."""
    places = list(_places(holder))
    if not places:
        return
    inside, key = rng.choice(places)
    way = rng.randrange(6)
    if way == 0:
        del inside[key]
    elif way == 1 and isinstance(inside, dict):
        inside[rng.choice(WORDS)] = inside.pop(key)
    elif way == 2 and isinstance(inside, list):
        inside.insert(key, inside[key])
    elif way == 3 and isinstance(inside[key], int | float):
        inside[key] = rng.choice(_NUMBERS)
    else:
        inside[key] = value(rng)


def value(rng: random.Random) -> Any:
    """Anything that JSON can hold, and some that it should not."""
    kinds: tuple[Callable[[], Any], ...] = (
        lambda: None,
        lambda: rng.random() < 0.5,
        lambda: rng.choice(_NUMBERS),
        lambda: rng.choice((float("nan"), float("inf"), -float("inf"))),
        lambda: rng.choice(WORDS),
        lambda: [value(rng) for _ in range(rng.randrange(3))],
        lambda: {rng.choice(WORDS): value(rng) for _ in range(rng.randrange(3))},
        lambda: _deep(rng.choice((10, 200))),
    )
    return rng.choice(kinds)()


def _deep(levels: int) -> Any:
    tree: Any = 0
    for _ in range(levels):
        tree = [tree]
    return tree


def _places(tree: Any, depth: int = 0) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    keys: Any = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        found.append((tree, key))
        if depth < 12 and (not isinstance(tree, list) or len(tree) < 50 or key < 10):
            found += _places(tree[key], depth + 1)
    return found
