"""Pascal VOC: an XML with boxes for each image, masks in colours, or both; and CVAT's export `Segmentation mask 1.1`.

    DATA/JPEGImages/strip_001.jpg   Annotations/strip_001.xml   SegmentationClass/strip_001.png
    DATA/labelmap.txt               ImageSets/Segmentation/default.txt

`labelmap.txt` names the colours of the masks; without it they are VOC's own, and the classes are called by their index. A
mask counts, and boxes only where an image has none. Void, the last colour of VOC's palette, is
ignored. An image without
either is defect-free where `ImageSets/` lists it, and is not read otherwise.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.good_names import marks_no_defect
from steelsight.dataset.layouts.images_on_disk import ImagesOnDisk
from steelsight.dataset.layouts.json_file import number
from steelsight.dataset.layouts.legend import (
    Colour,
    Legend,
    colour_marks,
    find_legend,
    palette,
    read_legend,
)
from steelsight.dataset.layouts.listing import (
    Boxes,
    Listed,
    Listing,
    Marks,
    Size,
    is_ignored,
    no_marks,
    second_mask,
    shared_masks,
)
from steelsight.dataset.layouts.orphan_labels import Orphan, unsure_labels
from steelsight.dataset.layouts.polygon import AnnotationError
from steelsight.dataset.layouts.shapes import Shape, polygon, rectangle, shape_marks
from steelsight.dataset.layouts.text_file import read_text
from steelsight.dataset.layouts.xml_file import read_xml, root_tag
from steelsight.dataset.model import Fault
from steelsight.imaging.folders import look_below

MASKS, OBJECTS, SETS, IMAGES = "SegmentationClass", "SegmentationObject", "ImageSets", "JPEGImages"

_VOID: Colour = (224, 224, 192)  # the last one of the palette
_NUMBERS = re.compile(r"(\s+-?[0-9]+)+", re.ASCII)
"""What may stand behind a name in a list: whether the image shows a class, or which of its objects is meant."""
_NAMED = 3


@dataclass
class _Read:
    """What is gathered while the folder is listed."""

    boxes: Boxes | None
    ignore: frozenset[str]
    legend: Legend | None
    faults: list[Fault] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def looks_like(root: Path) -> bool:
    """Say whether a folder has VOC's masks or XML files."""
    return bool(_masks(root) or _xml_files(root))


def list_folder(root: Path, *, boxes: Boxes | None = None, ignore: frozenset[str] = frozenset()) -> Listing:
    """List a folder of Pascal VOC.

    Raises:
        UserError: there is neither a mask nor an XML of VOC, or one cannot be read.
    """
    masks = _masks(root)
    files = _xml_files(root)
    if not masks and not files:
        raise UserError(f"{root}: neither {MASKS}/ nor an XML of Pascal VOC; export the images with their annotations")
    every = {path for found in masks.values() for path in found}
    objects = set(look_below(root / OBJECTS)[0]) if (root / OBJECTS).is_dir() else set()
    disk = ImagesOnDisk(root, without=every | objects)
    read = _Read(boxes, ignore, _legend(root) if masks else None)
    xml_of, orphans = _images_of(files, disk, read)
    keys = {_key(path, root) for path in disk.paths} | {path.stem for path in disk.paths}
    listed_names = _listed_names(root, keys)
    images: list[Listed] = []
    used: set[str] = set()
    images_of: defaultdict[Path, list[tuple[str, Path]]] = defaultdict(list)
    for path in disk.paths:
        key = _key(path, root)
        used.add(key)
        found = masks.get(key, [])
        if found:
            images_of[found[0]].append((disk.name_of(path), path))
        if len(found) > 1:
            read.faults.append(second_mask(disk.name_of(path), *found[:2]))
        one = _listed(path, disk.name_of(path), found, xml_of.get(path), read)
        if one is None and (key in listed_names or path.stem in listed_names):
            read.empty.append(disk.name_of(path))
            one = Listed(disk.name_of(path), path, no_marks, path)
        if one is not None:
            images.append(one)
    read.faults += shared_masks(images_of, root)
    for key in sorted(masks.keys() - used):
        message = f"no image {IMAGES}/{key}.* for this mask; add the image or remove the mask"
        read.faults.append(Fault("missing-image", masks[key][0], None, None, message))
        orphans.append(Orphan(key, masks[key][0]))
    read.faults += unsure_labels(orphans, read.empty, set())
    return Listing(
        root,
        "voc",
        read.legend.classes if read.legend is not None and read.legend.file.is_file() else None,
        tuple(images),
        tuple(read.faults),
        _notes(read),
        owned=(root,),
        masks=frozenset(every | objects),
        unlisted=f"they have neither a mask nor an XML, and {SETS}/ does not list them, so nobody knows whether they show a "
        "defect; label them, or take them out",
    )


def _xml_files(root: Path) -> list[Path]:
    found = [
        path for path in sorted(root.rglob("*.[xX][mM][lL]")) if not path.relative_to(root).parts[0].startswith(".")
    ]
    return [path for path in found if root_tag(path) == "annotation"]


def _masks(root: Path) -> dict[str, list[Path]]:
    """Masks by their path inside the folder of masks, without the suffix."""
    found: dict[str, list[Path]] = {}
    if (root / MASKS).is_dir():
        for path in look_below(root / MASKS)[0]:
            key = path.relative_to(root / MASKS).with_suffix("").as_posix()
            found.setdefault(key, []).append(path)
    return found


def _key(image: Path, root: Path) -> str:
    inside = image.relative_to(root / IMAGES) if image.is_relative_to(root / IMAGES) else image.relative_to(root)
    return inside.with_suffix("").as_posix()


def _listed_names(root: Path, keys: Collection[str]) -> set[str]:
    """What the lists of VOC name: a name a line, which may have spaces and end in a number where an image's does."""
    lines = [line for path in sorted((root / SETS).rglob("*.txt")) for line in read_text(path).splitlines()]
    names = {line.strip().replace("\\", "/") for line in lines}
    return {name if name in keys else _without_numbers(name) for name in names}


def _without_numbers(line: str) -> str:
    """A line of a list without the numbers at its end.

    >>> _without_numbers("coil 7 b  -1"), _without_numbers("b 12 1")
    ('coil 7 b', 'b')
    """
    found = re.fullmatch(rf"(.*?){_NUMBERS.pattern}", line)
    return found[1] if found else line


def _legend(root: Path) -> Legend:
    file = find_legend(root)
    if file is not None:
        return read_legend(file)
    names = {colour: str(index) for index, colour in enumerate(palette()) if index}
    known: dict[Colour, str | None] = {(0, 0, 0): None, **names, _VOID: "void"}
    return Legend(root / MASKS, known, tuple(names.values()))


def _images_of(
    files: list[Path], disk: ImagesOnDisk, read: _Read
) -> tuple[dict[Path, tuple[Path, Element]], list[Orphan]]:
    """The XML of each image, and those that find none."""
    found: dict[Path, tuple[Path, Element]] = {}
    orphans: list[Orphan] = []
    by_stem: dict[str, list[Path]] = {}
    for image in disk.paths:
        by_stem.setdefault(image.stem, []).append(image)
    for file in files:
        top = read_xml(file)
        stated = top.findtext("filename", "").strip()
        own = by_stem.get(file.stem, [])
        said = disk.find(stated, [file.parent, disk.root / IMAGES]).path if stated else None
        path: Path | None = own[0] if len(own) == 1 else said
        if path is None:
            message = f"no image {file.stem}.* for this file; add the image or remove the file"
            read.faults.append(Fault("missing-image", file, None, None, message))
            orphans.append(Orphan(file.stem, file))
        elif said is not None and said != path:
            message = (
                f"filename says {stated}, and {disk.name_of(path)} has the name of the file; both are there, mend one"
            )
            read.faults += [Fault("unsure-label", file, None, disk.name_of(one), message) for one in (path, said)]
        elif path in found:
            message = f"{found[path][0].name} is about {disk.name_of(path)} too; keep one of the two files"
            read.faults.append(Fault("duplicate-row", file, None, disk.name_of(path), message))
        else:
            found[path] = (file, top)
    return found, orphans


def _listed(
    path: Path, image_id: str, masks: list[Path], xml: tuple[Path, Element] | None, read: _Read
) -> Listed | None:
    if masks and read.legend is not None:
        return Listed(image_id, path, _mask_reader(image_id, masks[0], read.legend, xml, read.ignore), path)
    if xml is None:
        return None
    file, top = xml
    shapes, faults = _shapes(file, top, image_id, read)
    if faults:
        read.faults += faults
        return Listed(image_id, path, no_marks, file)
    stated = [
        number(top.findtext(f"size/{side}") or top.findtext(f"imagesize/{other}"))
        for side, other in (("height", "nrows"), ("width", "ncols"))
    ]

    def marks(size: Size) -> Marks:
        given = tuple(int(said) if said else real for said, real in zip(stated, size, strict=True))
        return shape_marks(
            image_id, file, shapes, size, boxes=read.boxes, ignore=read.ignore, stated=(given[0], given[1])
        )

    return Listed(image_id, path, marks, file)


def _mask_reader(
    image_id: str, mask: Path, legend: Legend, xml: tuple[Path, Element] | None, ignore: frozenset[str]
) -> Callable[[Size], Marks]:
    """Reads a mask, and holds it against the classes that the XML names."""
    named = [] if xml is None else _named(xml[1], ignore)

    def marks(size: Size) -> Marks:
        found = colour_marks(image_id, mask, legend, size)
        drawn = {name for name in found.masks if not is_ignored(name, ignore)}
        lacking = next((name for name in named if not _is_drawn(name, drawn, legend)), None)
        if found.faults or lacking is None or xml is None:
            return found
        message = (
            f"an object {f'of class {lacking}' if lacking else 'without a name'}, of which the mask {mask.name} has no "
            "pixel; see which of the two is right"
        )
        return Marks({}, (Fault("contradiction", xml[0], None, image_id, message),))

    return marks


def _named(top: Element, ignore: frozenset[str]) -> list[str]:
    """The names of an XML's objects that are defects."""
    there = [one for one in top.iterfind("object") if not _is_deleted(one)]
    names = [one.findtext("name", "").strip() for one in there]
    return [name for name in names if not marks_no_defect(name) and not is_ignored(name, ignore)]


def _is_deleted(one: Element) -> bool:
    return one.findtext("deleted", "0").strip() == "1"


def _is_drawn(name: str, drawn: Collection[str], legend: Legend) -> bool:
    """Whether a mask may show an object: its class, however it is spelt; any at all where the legend lacks its name."""
    if name in legend.classes:
        return name in drawn
    alike = [one for one in legend.classes if one.casefold() == name.casefold()]
    return any(one in drawn for one in alike) if alike else bool(drawn)


def _as_named(name: str, read: _Read) -> str:
    """The class of an object as `labelmap.txt` spells it, upper and lower case aside."""
    if read.legend is None or name in read.legend.classes or is_ignored(name, read.ignore):
        return name
    alike = [one for one in read.legend.classes if one.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else name


def _shapes(file: Path, top: Element, image_id: str, read: _Read) -> tuple[list[Shape], list[Fault]]:
    shapes: list[Shape] = []
    faults: list[Fault] = []
    for place, one in enumerate(top.iterfind("object"), start=1):
        name = one.findtext("name", "").strip()
        label = f"object {place} ({name or 'without a name'})"
        if _is_deleted(one):
            read.passed_over["deleted"] += 1
            continue
        if marks_no_defect(name):
            read.passed_over[repr(name)] += 1
            continue
        try:
            if not name:
                raise AnnotationError("unknown-class", "no name; give it its class")
            shapes.append(_shape(one, label, _as_named(name, read)))
        except AnnotationError as error:
            faults.append(Fault(error.kind, file, None, image_id, f"{label}: {error}"))
    return shapes, faults


def _shape(one: Element, label: str, name: str) -> Shape:
    outline, box = one.find("polygon"), one.find("bndbox")
    if outline is not None and len(outline):
        points = _corners(outline)
        return Shape(label, name, polygon(points), outline=tuple(points))
    if box is None:
        kinds = ", ".join(part.tag for part in one if len(part)) or "nothing"
        raise AnnotationError("malformed-entry", f"neither a bndbox nor a polygon, but {kinds}; export it again")
    corners = [number(box.findtext(key)) for key in ("xmin", "ymin", "xmax", "ymax")]
    left, top, right, bottom = (-1.0 if value is None else value for value in corners)
    if None in corners or right < left or bottom < top:
        raise AnnotationError(
            "malformed-entry", "a bndbox without xmin, ymin, xmax and ymax in this order; export it again"
        )
    return Shape(label, name, rectangle(left, top, right, bottom), True, outline=(left, top, right, bottom))


def _corners(outline: Element) -> list[tuple[float, float]]:
    """The corners of a polygon: x1, y1, x2, y2 and so on, or pt with x and y, as the old LabelMe of the web has them."""
    points = [(number(one.findtext("x")), number(one.findtext("y"))) for one in outline.iterfind("pt")]
    if not points:
        values = {part.tag: number(part.text) for part in outline}
        points = [(values.get(f"x{at}"), values.get(f"y{at}")) for at in range(1, len(values) // 2 + 1)]
    whole = [(x, y) for x, y in points if x is not None and y is not None]
    if len(whole) < len(points) or not whole:
        raise AnnotationError("bad-polygon", "a polygon that is not x1, y1, x2, y2 and so on; export it again")
    return whole


def _notes(read: _Read) -> tuple[str, ...]:
    said = [
        f"{count} objects of XML files are passed over: they are {name}, which is no defect"
        for name, count in sorted(read.passed_over.items())
    ]
    if read.empty:
        more = f" and {len(read.empty) - _NAMED} more" if len(read.empty) > _NAMED else ""
        said.append(
            f"{len(read.empty)} images that {SETS}/ lists have no mask and count as defect-free "
            f"({', '.join(read.empty[:_NAMED])}{more})"
        )
    return tuple(said)
