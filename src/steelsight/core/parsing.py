"""JSON, YAML and numbers that strangers may have written: what is wrong is one kind of error, and small texts stay small."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

_MOST_VALUES = 100_000
"""Of a YAML text, with all that its anchors repeat. A recipe has some thousands."""
_NUMBERS, _LONGEST_NUMBER = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}), 100
"""Characters of a number in YAML: of `1:1:1...`, to the base of 60, or in hexadecimal, Python makes numbers that it cannot
write."""


def whole(text: str) -> int:
    """The whole number that a text says.

    Raises:
        ValueError: it says none, or one beyond 64 bits, which no array holds.

    >>> whole("-12")
    -12
    """
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{text[:20]} has more than 64 bits")
    return number


def parse_json(text: str | bytes) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: it is not JSON in a Unicode encoding, is nested too deep, or has a number of thousands of digits.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def parse_yaml(text: str, loader: type[yaml.SafeLoader] | type[yaml.BaseLoader] = yaml.SafeLoader) -> Any:
    """What a YAML text says, read by a loader that makes plain values alone.

    A few lines of anchors that repeat each other can stand for more values than a memory holds, so these are counted before
    any is made.

    Raises:
        yaml.YAMLError: it is not YAML, or no plain value could be what it says.
    """
    try:
        reading = loader(text)
        try:
            node = reading.get_single_node()
            if node is None:
                return None
            if _count(node, {}) > _MOST_VALUES:
                raise yaml.YAMLError(f"its anchors repeat each other into more than {_MOST_VALUES:,} values")
            return reading.construct_document(node)
        finally:
            reading.dispose()
    except ValueError as error:
        raise yaml.YAMLError(str(error)) from error  # a date that there is not, for one
    except RecursionError as error:
        raise yaml.YAMLError("something is nested too deep, or contains itself") from error


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Values of a node, repeated ones as often as they are; what contains itself recurses until Python stops it.

    Raises:
        yaml.YAMLError: one is a number without end.
    """
    if isinstance(node, yaml.ScalarNode) and node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
        raise yaml.YAMLError(f"a number of {len(node.value)} digits")
    if id(node) not in known:
        known[id(node)] = 1 + sum(_count(one, known) for one in _children(node))
    return known[id(node)]


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
