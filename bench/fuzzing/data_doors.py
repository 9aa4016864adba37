"""Folders of labelled images and image files: the verbs on data, and the library, which must agree with themselves."""

import os
from functools import partial
from pathlib import Path
from typing import Any

from fuzzing import seeds
from fuzzing.folders import Files
from fuzzing.odd import Draw
from fuzzing.reader import ENCODINGS, Reader, refuses
from fuzzing.verbs import FailureError, verb

_LAYOUTS = (
    *("severstal", "index-png", "class-folders", "coco", "labelme", "cvat", "yolo", "voc", "label-studio", "mvtec"),
    *("colour-masks", "image-labels"),
)  # fmt: skip


def dataset(name: str) -> Reader:
    return Reader(f"data:{name}", {name: seeds.datasets()[name]}, _enter_data)


def _enter_data(draw: Draw, folder: Path) -> bool:
    """`data check`, `data convert`, and the library, which must agree with itself."""
    layout = ["--layout", draw.one(_LAYOUTS)] if draw.often(0.1) else []
    boxes = ["--boxes", draw.one(("as-masks", "as-labels"))] if draw.often(0.4) else []
    given: Path = folder
    if draw.often(0.05):
        given = folder / draw.one([*(path.name for path in folder.iterdir()), "gone"])
    match draw.whole(0, 9):
        case 0:
            page = ["--page", str(folder.parent / "page.html")]
            return verb("data", "check", given, *layout, *boxes, *page, encoding=draw.one(ENCODINGS))
        case 1:
            to = draw.one(("coco", "labelme", "yolo", "cvat", "index-png", "severstal"))
            out = folder.parent / f"out{os.urandom(4).hex()}"
            return verb(
                "data", "convert", given, out, "--to", to, *boxes, *(["--skip-faulty"] if draw.often(0.7) else [])
            )
        case 2:
            return verb("data", "check", given, *layout, *boxes, "--json", *(["--no-twins"] if draw.often(0.5) else []))
        case _:
            return _read(given, layout[-1] if layout else None, boxes[-1] if boxes else None)


def _read(given: Path, layout: Any, boxes: Any) -> bool:
    from steelsight.dataset.read import read_dataset
    from steelsight.imaging.folders import look_below

    read: list[Any] = []
    if refuses(lambda: read.append(read_dataset(given, layout, boxes=boxes))):
        return False
    (dataset,) = read
    taken = [*dataset.samples, *dataset.without_masks]
    if len({one.image_id for one in taken}) < len(taken):
        raise FailureError("two samples share a name")
    faulty = {fault.image_id for fault in dataset.faults}
    if any(one.image_id in faulty for one in taken):
        raise FailureError("a faulty image is a sample")
    for one in taken:
        if any(int(runs.starts[-1] + runs.lengths[-1]) > one.size[0] * one.size[1] for runs in one.runs if runs.area):
            raise FailureError(f"{one.image_id}: a mask beyond its image")
    if dataset.layout in ("coco", "labelme", "cvat", "yolo", "label-studio", "image-labels") and given.is_dir():
        _is_nothing_lost(dataset, taken, look_below(dataset.root)[0])
    return bool(taken)


def _is_nothing_lost(dataset: Any, taken: list[Any], found: list[Path]) -> None:
    """Every image below the folder is a sample, has a fault, or is counted as left out."""
    from steelsight.core.files import resolved
    from steelsight.core.safe_names import shown

    known = {resolved(one.path) for one in taken} | {resolved(fault.file) for fault in dataset.faults}
    known |= {resolved(dataset.root / str(fault.image_id)) for fault in dataset.faults}
    said = " ".join([*(fault.message for fault in dataset.faults), *(one.message for one in dataset.remarks)])
    lost = [
        path for path in found if resolved(path) not in known and shown(path.name) not in said
        and not any(Path(str(fault.image_id)).name == path.name for fault in dataset.faults)
    ]  # fmt: skip
    if len(lost) > sum(remark.images for remark in dataset.left_out):
        raise FailureError(f"left out without a word: {', '.join(path.name for path in lost)[:200]}")


def images(kind: str) -> Reader:
    each: dict[str, Files] = {name: {name: content} for name, content in seeds.pictures()[kind].items()}
    return Reader(f"image:{kind}", each, _enter_images)


def _enter_images(draw: Draw, folder: Path) -> bool:
    """Every way to read an image file; they must agree on its size, and grey on whether it can be read."""
    from steelsight.core.errors import UserError
    from steelsight.dataset.layouts.mask_images import alpha_of, read_mask
    from steelsight.imaging.orientation import stated_orientation
    from steelsight.imaging.read import decode_image, image_size, read_content, read_image

    any_read = False
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            refuses(partial(read_image, path))
            continue
        stated_orientation(read_content(path))
        refuses(partial(image_size, path))
        refuses(partial(read_mask, path))
        refuses(partial(alpha_of, path))
        refuses(partial(decode_image, read_content(path), path, max_pixels=1 << 20))
        try:
            pixels = read_image(path)
        except UserError:
            if not refuses(partial(read_image, path, grey=True)):
                raise FailureError(f"{path.name}: read as grey, and refused in colour") from None
            continue
        any_read = True
        if image_size(path) != pixels.shape[:2]:
            raise FailureError(f"{path.name}: its header says {image_size(path)}, its pixels {pixels.shape}")
        if read_image(path, grey=True).shape != pixels.shape[:2]:
            raise FailureError(f"{path.name}: another size in grey")
    return any_read
