"""Groups that the user knows, such as coils or heats: from a table or from the images' names, joined with the twins found."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.core.safe_names import from_cell, shown
from steelsight.dataset.layouts.text_file import table_rows

BESIDE = "groups.csv"
"""The table's name where it lies beside the images."""
IMAGE = "image"
"""The column of a table that names the image; every other one is a kind of group."""
TWIN_OF = "twin_of"
"""A column that names another image of the same surface, or nothing."""

KnownGroups = Mapping[str, Sequence[str]]
"""Of each kind of group: the group of every image, in the dataset's order; "" where it is not known."""


def read_groups(wish: str, image_ids: Sequence[str]) -> KnownGroups:
    r"""The groups of images.

    Args:
        wish: a CSV file with a column `image` and one or more of groups, or a regular expression with named groups that is
            searched for in each image's name.

    Raises:
        UserError: it is no such file or expression, or does not say of every image where it belongs.

    >>> read_groups(r"(?P<coil>c\d+)_", ["c1_0.jpg", "c1_1.jpg", "c2_0.jpg"])
    {'coil': ['c1', 'c1', 'c2']}
    """
    if wish.lower().endswith(".csv"):
        return _of_table(Path(wish), image_ids)
    return _of_names(wish, image_ids)


def join_groups(twins: NDArray[np.int64], known: KnownGroups) -> NDArray[np.int64]:
    """Group numbers (N,): images are of one group where they are twins, share a known group, or are linked by such pairs.

    They count from 0 in the order of the first members, as those of `twins.find_twins` do.

    >>> join_groups(np.array([0, 1, 2, 2, 3]), {"coil": ["a", "a", "b", "", ""]}).tolist()
    [0, 0, 1, 1, 2]
    """
    parents = list(range(len(twins)))

    def first(index: int) -> int:
        while parents[index] != index:
            parents[index] = index = parents[parents[index]]
        return index

    for names in ([str(number) for number in twins.tolist()], *known.values()):
        leaders: dict[str, int] = {}
        for index, name in enumerate(names):
            if name:
                low, high = sorted((first(leaders.setdefault(name, index)), first(index)))
                parents[high] = low
    roots = [first(index) for index in range(len(parents))]
    order = {root: number for number, root in enumerate(dict.fromkeys(roots))}
    return np.array([order[root] for root in roots], np.int64)


def named_kinds(known: KnownGroups, time: str | None = None) -> tuple[str, ...]:
    """The kinds that the user names and that join images: those of twins and of time are none.

    >>> named_kinds({"coil": ["a"], TWIN_OF: [""], "day": ["1"]}, "day")
    ('coil',)
    """
    return tuple(shown(kind) for kind in known if kind not in (TWIN_OF, time))


def _of_table(table: Path, image_ids: Sequence[str]) -> KnownGroups:
    (_, header), *rows = _rows(table)
    kinds = [name for name in header if name != IMAGE]
    if IMAGE not in header or not kinds:
        raise UserError(
            f"{table}: has the columns {', '.join(header)}; it takes one called {IMAGE} and others of groups, such as coil"
        )
    places = {name: header.index(name) for name in (IMAGE, *kinds)}
    groups: dict[str, list[str]] = {}
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(f"{table}:{line}: has {len(row)} fields, and the header {len(header)}; mend the row")
        image = from_cell(row[places[IMAGE]])
        of_image = [from_cell(row[places[kind]]) for kind in kinds]
        if groups.setdefault(image, of_image) != of_image:
            raise UserError(
                f"{table}:{line}: {image} has other groups in an earlier row; an image belongs to one of each kind"
            )
    _require(table, "row", [image for image in image_ids if image not in groups], len(image_ids))
    known = {kind: [groups[image][place] for image in image_ids] for place, kind in enumerate(kinds)}
    if TWIN_OF in known:  # an image that is named belongs to the group of that name
        _require_known(table, known[TWIN_OF], image_ids)
        known[TWIN_OF] = [of or image for of, image in zip(known[TWIN_OF], image_ids, strict=True)]
    return known


def _rows(table: Path) -> list[tuple[int, list[str]]]:
    """Line number and fields of every row, the header first, in which `image` may be written in capitals as elsewhere."""
    rows = [(line, [field.strip() for field in row]) for line, row in table_rows(table) if row]
    if not rows:
        raise UserError(f"{table}: the table of groups is empty; give it a header such as {IMAGE},coil")
    header = rows[0][1]
    return [(rows[0][0], [IMAGE if name.casefold() == IMAGE else name for name in header]), *rows[1:]]


def _of_names(pattern: str, image_ids: Sequence[str]) -> KnownGroups:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UserError(
            f"{pattern}: neither a CSV file nor a pattern of names ({error}); a pattern is written as (?P<coil>[^_]+)_"
        ) from error
    if not expression.groupindex:
        raise UserError(f"{pattern}: names no group of images; write (?P<coil>...) around the part that names the coil")
    found = [expression.search(image) for image in image_ids]
    _require(
        pattern, "match", [image for image, one in zip(image_ids, found, strict=True) if one is None], len(image_ids)
    )
    return {kind: [(one[kind] or "") if one else "" for one in found] for kind in expression.groupindex}


def _require_known(table: Path, named: Sequence[str], image_ids: Sequence[str]) -> None:
    """A name that differs by its capitals alone would join nothing; one of quite another image may join two that name it."""
    known, folded = set(image_ids), {image.casefold(): image for image in image_ids}
    for name in named:
        if name not in known and (meant := folded.get(name.casefold())):
            raise UserError(
                f"{table}: {TWIN_OF} names {name}, and there is no such image; write {meant} if that is meant"
            )


def _require(wish: object, what: str, lacking: Sequence[str], of: int) -> None:
    if lacking:
        raise UserError(
            f"{wish}: no {what} for {lacking[0]} ({len(lacking)} of {of} images lack one); each image needs one; leave "
            "it empty if the group is not known"
        )


def said(known: KnownGroups, groups: Iterable[int]) -> str:
    """What came of it, in a sentence.

    >>> said({"coil": ["a", "a", ""]}, [0, 0, 1])
    '1 coil among 3 images; with twins, 2 groups; no fold splits a group, and a bound counts it once'
    >>> said({TWIN_OF: ["", "", ""]}, [0, 1, 2])
    '3 images; with twins, 3 groups; no fold splits a group, and a bound counts it once'
    """
    counts = {kind: len({name for name in names if name}) for kind, names in known.items() if kind != TWIN_OF}
    kinds = ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items())
    numbers = list(groups)
    among = f"{kinds} among " if kinds else ""
    return (
        f"{among}{len(numbers)} images; with twins, {len(set(numbers))} groups; no fold splits a group, and a "
        "bound counts it once"
    )
