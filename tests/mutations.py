"""Seeded mutations of valid declarations: on the parsed tree, and on the bytes of the file."""

from __future__ import annotations

import copy
import json
import math
import random
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Mutation", "mutated", "seeds", "toml"]

Tree = dict[str, Any]
Node = tuple[Any, Any]

SMALL = 2.2250738585072014e-308
NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 7, -0.0, 0.5, 1e-9, 1e-30, 1e9, 1e30, 1e300, 1e308, 1e-308, -1e308, SMALL, 5e-324),
    *(2**31, 2**53, 2**63, -(2**63), 10**400, math.nan, math.inf, -math.inf),
)
TEXTS = (
    "",
    " ",
    "x",
    "signal",
    "all",
    "default",
    "µ_ν",
    "e\u0301\u202e",
    "\U0001f300",
    "nul\0nul",
    "line\nline",
    "../counts",
    "..",
    ".",
    "/etc/passwd",
    "~/counts",
    "a/../../b",
    "C:\\counts",
    "experiments//xenon1t_2020/counts",
    "experiments/xenon1t_2020",
    "%s{}$HOME",
    5000 * "x",
    "kg day",
    "1e-11 mu_B",
)


@dataclass(frozen=True)
class Mutation:
    """One case: what to write, where it came from, and what was done to it."""

    seed: int
    origin: str
    variant: str
    content: bytes
    done: tuple[str, ...]


@dataclass(frozen=True)
class _Work:
    rng: random.Random
    tree: Tree
    others: list[Tree]
    done: list[str] = field(default_factory=list)


def seeds(shipped: Path, valid: Path) -> dict[str, Tree]:
    """The declarations that are mutated, by their names."""
    paths = {path.parent.name: path for path in sorted(shipped.glob("*/analysis.toml"))} | {"valid": valid}
    return {name: tomllib.loads(path.read_text(encoding="utf-8")) for name, path in paths.items()}


def mutated(seed: int, documents: dict[str, Tree]) -> Mutation:
    """The case with this number: one declaration with its default and one variant, mutated once to three times."""
    rng = random.Random(seed)
    # one Borexino costs as much as thirty of the others
    origin = rng.choices(list(documents), [0.05 if name == "borexino_2017" else 1.0 for name in documents])[0]
    tree = copy.deepcopy(documents[origin])
    variant = rng.choice(list(tree.get("variant", {"default": None})))
    _keep(tree, {"default", variant})
    work = _Work(rng, tree, list(documents.values()))
    if rng.random() < 0.1:
        content, name = _bytes(rng, toml(tree).encode())
        return Mutation(seed, origin, variant, content, (name,))
    for _ in range(rng.choices((1, 2, 3), (8, 3, 1))[0]):
        variants = tree.get("variant")
        own = variants.get(variant) if isinstance(variants, dict) else None
        part = own if variant != "default" and isinstance(own, dict) and own and rng.random() < 0.5 else tree
        rng.choice(OPERATIONS)(work, part)
    text = toml(tree)
    if rng.random() < 0.02:
        lines = text.splitlines()
        text = "\n".join([*lines, rng.choice(lines)])
        work.done.append("duplicate key")
    return Mutation(seed, origin, variant, text.encode("utf-8", "surrogatepass"), tuple(work.done))


def _keep(tree: Tree, names: set[str]) -> None:
    """Only the variants ``names``, and no result that asks for others."""
    if "variant" in tree:
        tree["variant"] = {name: patch for name, patch in tree["variant"].items() if name in names}
    tree.pop("published", None)
    if "result" in tree:
        tree["result"] = [result for result in tree["result"] if "variants" not in result]


# -- the tree ---------------------------------------------------------------------------------------------------------


def _nodes(part: Any) -> Iterator[Node]:
    """Every container with one of its keys."""
    for key in list(part) if isinstance(part, dict) else range(len(part)):
        yield part, key
        if isinstance(part[key], dict | list):
            yield from _nodes(part[key])


def _pick(work: _Work, part: Any, wanted: Callable[[Any], bool] = lambda value: True) -> Node | None:
    """A place whose value is ``wanted``; shallow ones as likely as deep ones."""
    nodes = [(c, k) for c, k in _nodes(part) if wanted(c[k])]
    return work.rng.choice(nodes) if nodes else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _set(work: _Work, node: Node | None, value: Any, name: str) -> None:
    if node is not None:
        container, key = node
        container[key] = value
        work.done.append(f"{name}: {key!r} = {repr(value)[:80]}")


def _number(work: _Work, part: Tree) -> None:
    _set(work, _pick(work, part, _is_number), work.rng.choice(NUMBERS), "number")


def _scaled(work: _Work, part: Tree) -> None:
    node = _pick(work, part, _is_number)
    if node is not None:
        factor = work.rng.choice((-1, 0.5, 0.9, 1.1, 2, 10, 1e-3, 1e3, 1e-6, 1e6, 1e-12, 1e12))
        old = node[0][node[1]]
        _set(work, node, int(old * factor) if isinstance(old, int) and abs(factor) > 1 else old * factor, "scaled")


def _text(work: _Work, part: Tree) -> None:
    _set(work, _pick(work, part, lambda v: isinstance(v, str)), work.rng.choice(TEXTS), "text")


def _other_text(work: _Work, part: Tree) -> None:
    """A text that stands somewhere else, in this or another declaration."""
    other = work.rng.choice([*work.others, work.tree])
    found = _pick(work, other, lambda v: isinstance(v, str))
    if found is not None:
        _set(work, _pick(work, part, lambda v: isinstance(v, str)), found[0][found[1]], "other text")


def _type(work: _Work, part: Tree) -> None:
    value: Any = work.rng.choice((True, False, 3, 0.1, "text", [], {}, [1.0], ["x"], {"a": 1}, [[1]], [{}], "0.1"))
    _set(work, _pick(work, part), copy.deepcopy(value), "type")


def _delete(work: _Work, part: Tree) -> None:
    node = _pick(work, part)
    if node is not None:
        del node[0][node[1]]
        work.done.append(f"delete: {node[1]!r}")


def _rename(work: _Work, part: Tree) -> None:
    node = _pick(work, part)
    if node is not None and isinstance(node[0], dict):
        old = node[1]
        new = work.rng.choice((old + "s", old[:-1], old.upper(), "", "ü", "a b", "kind", "name", "__class__", "\0"))
        node[0][new] = node[0].pop(old)
        work.done.append(f"rename: {old!r} to {new!r}")


def _repeat(work: _Work, part: Tree) -> None:
    """An item of a list once more, or a list without order."""
    node = _pick(work, part, lambda v: isinstance(v, list) and len(v) > 0)
    if node is not None:
        old = node[0][node[1]]
        new = old + copy.deepcopy([work.rng.choice(old)]) if work.rng.random() < 0.5 else old[::-1]
        _set(work, node, new, "repeat")


def _long(work: _Work, part: Tree) -> None:
    node = _pick(work, part)
    if node is not None:
        old = node[0][node[1]]
        values: tuple[Any, ...] = (3000 * [old], [float(i) for i in range(3000)], {f"k{i}": i for i in range(1000)})
        _set(work, node, work.rng.choice(values), "long")


def _deep(work: _Work, part: Tree) -> None:
    node = _pick(work, part)
    if node is not None:
        value = node[0][node[1]]
        for _ in range(work.rng.choice((1, 5, 60))):
            value = [value] if work.rng.random() < 0.5 else {"a": value}
        _set(work, node, value, "deep")


def _swap(work: _Work, part: Tree) -> None:
    """Two values of the same type trade places."""
    one = _pick(work, part)
    if one is None:
        return
    kind = type(one[0][one[1]])
    two = _pick(work, part, lambda v: type(v) is kind)
    if two is not None:
        first, second = copy.deepcopy(one[0][one[1]]), copy.deepcopy(two[0][two[1]])
        _set(work, two, first, "swap")
        _set(work, one, second, "swap")


def _graft(work: _Work, part: Tree) -> None:
    """What another declaration says under the same key, or all of one of its keys."""
    other = work.rng.choice(work.others)
    node = _pick(work, part)
    if node is not None and work.rng.random() < 0.7:
        same = [c[k] for c, k in _nodes(other) if k == node[1]]
        if same:
            _set(work, node, copy.deepcopy(work.rng.choice(same)), "graft")
    else:
        key = work.rng.choice([key for key in other if key not in ("variant", "published")])
        _set(work, (part, key), copy.deepcopy(other[key]), "graft")


def _append(work: _Work, part: Tree) -> None:
    """An item of another declaration's list, into the list of the same key."""
    other, key = work.rng.choice(work.others), work.rng.choice(("flux", "process", "background", "nuisance", "result"))
    if other.get(key):
        old = part.get(key, [])
        if isinstance(old, list):
            _set(work, (part, key), [*old, copy.deepcopy(work.rng.choice(other[key]))], "append")


OPERATIONS: tuple[Callable[[_Work, Tree], None], ...] = (
    *(_number, _number, _number, _number, _scaled, _scaled, _scaled, _text, _text, _other_text, _type, _delete),
    *(_rename, _repeat, _long, _deep, _swap, _graft, _graft, _graft, _append),
)


# -- the bytes --------------------------------------------------------------------------------------------------------


def _bytes(rng: random.Random, content: bytes) -> tuple[bytes, str]:
    where = rng.randrange(len(content))
    flips = bytearray(content)
    for _ in range(rng.choice((1, 1, 4, 40))):
        flips[rng.randrange(len(flips))] ^= 1 << rng.randrange(8)
    return rng.choice(
        [
            (content[:where], "truncated"),
            (bytes(flips), "flipped bits"),
            (content[:where] + rng.randbytes(rng.choice((1, 2, 30))) + content[where:], "random bytes"),
            (content[:where] + b"\xff\xfe" + content[where:], "not UTF-8"),
            (b"\xef\xbb\xbf" + content, "byte order mark"),
            (content.decode().encode("utf-16"), "UTF-16"),
            (content.replace(b"\n", b"\r\n"), "CRLF"),
            (content.replace(b"\n", b"\r"), "CR"),
            (content + content, "twice"),
            (content[where:] + content[:where], "rotated"),
            (b"\0" * len(content), "zeros"),
            (content.replace(b"=", b"", 1), "no equals"),
        ]
    )


# -- writing ----------------------------------------------------------------------------------------------------------


def toml(tree: Tree) -> str:
    """``tree`` as TOML, one line per key."""
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in tree.items())


def _key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "a").isalnum() else _string(key)


def _string(text: str) -> str:
    """JSON's escapes are TOML's, but for surrogates and DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)
