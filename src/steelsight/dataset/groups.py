"""Groups that the user knows, such as coils or heats: from a table or from the images' names, joined with the twins found."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.core.safe_names import from_cell, nearly, same_but_for_spelling, shown
from steelsight.dataset.disjoint_groups import DisjointGroups
from steelsight.dataset.layouts.listing import with_slashes
from steelsight.dataset.layouts.text_file import table_rows

BESIDE = "groups.csv"
"""The table's name where it lies beside the images."""
IMAGE = "image"
"""The column of a table that names the image; every other one is a kind of group."""
TWIN_OF = "twin_of"
"""A column that names another image of the same surface, or nothing; read, it names the first of all that are linked so."""

KnownGroups = Mapping[str, Sequence[str]]
"""Of each kind of group: the group of every image, in the dataset's order; "" where it is not known."""


def read_groups(wish: str, image_ids: Sequence[str]) -> KnownGroups:
    r"""The groups of images.

    Args:
        wish: a CSV file, whatever its suffix, with a column `image` and one or more of groups; or a regular expression with
            named groups that is searched for in each image's name.

    Raises:
        UserError: it is no such file or expression, or does not say of every image where it belongs.

    >>> read_groups(r"(?P<coil>c\d+)_", ["c1_0.jpg", "c1_1.jpg", "c2_0.jpg"])
    {'coil': ['c1', 'c1', 'c2']}
    """
    if wish.lower().endswith(".csv") or os.path.isfile(wish):  # noqa: PTH113 (Path's ends in an error for a long pattern)
        return _of_table(Path(wish), image_ids)
    return _of_names(wish, image_ids)


def join_groups(twins: NDArray[np.int64], known: KnownGroups) -> NDArray[np.int64]:
    """Group numbers (N,): images are of one group where they are twins, share a known group, or are linked by such pairs.

    They count from 0 in the order of the first members, as those of `twins.find_twins` do.

    >>> join_groups(np.array([0, 1, 2, 2, 3]), {"coil": ["a", "a", "b", "", ""]}).tolist()
    [0, 0, 1, 1, 2]
    """
    groups = DisjointGroups(len(twins))
    for names in ([str(number) for number in twins.tolist()], *known.values()):
        leaders: dict[str, int] = {}
        for index, name in enumerate(names):
            if name:
                groups.join(leaders.setdefault(name, index), index)
    return groups.numbers()


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
    there = frozenset(image_ids)

    def as_here(kind: str, cell: str) -> str:
        text = from_cell(cell)
        return text if kind not in (IMAGE, TWIN_OF) or text in there else with_slashes(text)

    groups: dict[str, list[str]] = {}
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(f"{table}:{line}: has {len(row)} fields, and the header {len(header)}; mend the row")
        image, *of_image = (as_here(kind, row[places[kind]]) for kind in (IMAGE, *kinds))
        if groups.setdefault(image, of_image) != of_image:
            raise UserError(
                f"{table}:{line}: {image} has other groups in an earlier row; an image belongs to one of each kind"
            )
    _require(table, "row", [image for image in image_ids if image not in groups], len(image_ids))
    known = {kind: [groups[image][place] for image in image_ids] for place, kind in enumerate(kinds)}
    if TWIN_OF in known:
        place = kinds.index(TWIN_OF)
        named = {image: of[place] for image, of in groups.items() if of[place]}
        _require_known(table, named, groups.keys(), image_ids)
        known[TWIN_OF] = _surfaces(named, image_ids)
    return known


def _surfaces(named: Mapping[str, str], image_ids: Sequence[str]) -> list[str]:
    """Of each image the first one that a chain of images, of which one names the other, links with it; or itself.

    A link may be an image that is not among them, since it is left out or lies elsewhere.
    """
    names = list(dict.fromkeys([*image_ids, *named, *named.values()]))
    places = {name: place for place, name in enumerate(names)}
    surfaces = DisjointGroups(len(names))
    for image, of in named.items():
        surfaces.join(places[image], places[of])
    return [names[surfaces.find(places[image])] for image in image_ids]


def _rows(table: Path) -> list[tuple[int, list[str]]]:
    """Line number and fields of every row, the header first, in which `image` may be written in capitals as elsewhere."""
    # any other column may be one of remarks, and rows that it has swallowed are missed, since each image needs one
    lines = table_rows(table, free_text_but=(IMAGE, TWIN_OF))
    rows = [(line, [field.strip() for field in row]) for line, row in lines if row]
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
        raise UserError(
            f"{pattern}: no such file, and as a pattern it names no group of images; write the path of a table, or "
            "(?P<coil>...) around the part that names the coil"
        )
    found = [expression.search(image) for image in image_ids]
    _require(
        pattern, "match", [image for image, one in zip(image_ids, found, strict=True) if one is None], len(image_ids)
    )
    return {kind: [(one[kind] or "") if one else "" for one in found] for kind in expression.groupindex}


def _require_known(table: Path, named: Mapping[str, str], rows: Set[str], image_ids: Sequence[str]) -> None:
    """A name that a person would take for an image's would join nothing; one of quite another image may join two that name
    it, and one that has a row is what it says."""
    near: defaultdict[str, list[str]] = defaultdict(list)
    for image in image_ids:
        near[nearly(image)].append(image)
    for naming, name in named.items():
        if name in rows:
            continue
        folders = _folders(name)  # what stands in another one is another camera's image, not a misspelt one
        meant = [one for one in near.get(nearly(name), ()) if one != naming and _end_alike(_folders(one), folders)]
        if meant:
            spelling = same_but_for_spelling(name)
            first = min(meant, key=lambda image: same_but_for_spelling(image) != spelling)
            raise UserError(
                f"{table}: {TWIN_OF} names {name}, and there is no such image; write {first} if that is meant, and if not, "
                f"add a row for {name}"
            )


def _folders(image: str) -> tuple[str, ...]:
    return tuple(nearly(folder) for folder in PurePosixPath(with_slashes(image)).parent.parts)


def _end_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether folders may be the same, of which one is stated from further up, or not at all."""
    shared = min(len(one), len(other))
    return one[len(one) - shared :] == other[len(other) - shared :]


def _require(wish: object, what: str, lacking: Sequence[str], of: int) -> None:
    if lacking:
        raise UserError(
            f"{wish}: no {what} for {lacking[0]} ({len(lacking)} of {of} images lack one); each image needs one; leave "
            "it empty if the group is not known"
        )


def take_along(
    root: Path, before: Sequence[str], after: Sequence[str], others: Sequence[str] = ()
) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The table of groups beside images, for a new folder that holds them.

    Args:
        root: the folder of the images, in which the table may lie.
        before, after: the names that its images have there, and in the new folder.
        others: images of the new folder besides, whose groups are not known.

    Returns:
        The rows, the header first, and what is said of them; none where there is no table, or none that can be read.
    """
    file = root / BESIDE
    if not file.is_file():
        return [], ()
    try:
        known = read_groups(str(file), before)
    except UserError as error:
        return [], (f"{BESIDE} stays behind: {error}.",)
    columns: dict[str, Sequence[str]] = {IMAGE: after, **known}
    if TWIN_OF in known:
        new = dict(zip(before, after, strict=True))
        columns[TWIN_OF] = ["" if of == image else new[of] for of, image in zip(known[TWIN_OF], before, strict=True)]
    unknown = [(image, *("" for _ in known)) for image in others]
    said = f"{BESIDE} comes along ({', '.join(known)}), with the names that the images have here."
    return [tuple(columns), *zip(*columns.values(), strict=True), *unknown], (said,)


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
