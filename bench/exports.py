"""Write tests/data/exports anew: labels as other tools' own libraries write them, of the scene that the tests draw.

    python -m venv /tmp/tools; /tmp/tools/bin/pip install labelme==6.3.1 label-studio-sdk==2.1.2 datumaro==1.13.12 \
        opencv-python-headless
    PYTHONPATH=src:tests /tmp/tools/bin/python bench/exports.py OUT

None of these tools is needed for anything else, and none is in an extra.
"""

import argparse
import json
import shutil
from pathlib import Path

import cv2
import datumaro
import numpy as np
from datumaro.components.annotation import Bbox, Mask, Polygon
from datumaro.components.media import Image
from helpers.labelled_scene import SIZE, picture, pit, scratch
from label_studio_sdk.converter import Converter, brush
from labelme._label_file import LabelFile
from labelme.utils import img_arr_to_b64, shape_to_mask
from machine import print_machine

NAMES = ("a", "b", "good")
SQUARE = [(7.0, 11.0), (29.0, 11.0), (29.0, 33.0), (7.0, 33.0)]
BAR = [(34.0, 30.0), (60.0, 30.0), (60.0, 31.0), (34.0, 31.0)]
TRIANGLE = [(2.0, 1.0), (30.0, 3.0), (12.0, 20.0)]
CLASSES = ["pit", "scratch"]


def block() -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[3:8, 10:19] = True
    return mask


def polygon(corners: list[tuple[float, float]], label: int, number: int) -> Polygon:
    return Polygon([side for corner in corners for side in corner], label=label, id=number, group=number)


def write_datumaro(out: Path, images: Path) -> None:
    """CVAT, VOC, COCO, YOLO and the LabelMe of the web."""
    masks = {
        "a": [Mask(pit(), label=0, id=1, group=1), Mask(scratch(), label=1, id=2, group=2)],
        "b": [Mask(block(), label=1, id=3, group=3)],
    }
    polygons = {"a": [polygon(SQUARE, 0, 1), polygon(BAR, 1, 2)], "b": [polygon(TRIANGLE, 1, 3)]}
    boxes = {"a": [Bbox(7, 11, 22, 22, label=0, id=1, group=1)], "b": [Bbox(2, 1, 28, 19, label=1, id=3, group=3)]}
    exports = (
        ("cvat", "cvat", polygons, False),
        ("cvat-mask", "cvat", masks, False),
        ("voc-segmentation", "voc_segmentation", masks, False),
        ("voc-boxes", "voc_detection", boxes, True),
        ("yolo-boxes", "yolo_ultralytics", boxes, True),
        ("coco", "coco_instances", polygons, False),
        ("coco-mask", "coco_instances", masks, False),
        ("labelme-xml", "label_me", polygons, False),
    )
    for folder, kind, marks, has_parts in exports:
        items = [
            datumaro.DatasetItem(
                id=name,
                subset="val" if has_parts and name == "b" else "train",
                media=Image.from_file(str(images / f"{name}.png")),
                annotations=marks.get(name, []),
            )
            for name in NAMES
        ]
        datumaro.Dataset.from_iterable(items, categories=CLASSES).export(str(out / folder), kind, save_media=True)


def brushed(mask: np.ndarray, name: str) -> dict[str, object]:
    value = {"format": "rle", "rle": brush.mask2rle(mask.astype(np.uint8) * 255), "brushlabels": [name]}
    return result("brushlabels", value)


def outlined(corners: list[tuple[float, float]], name: str) -> dict[str, object]:
    points = [[x / SIZE[1] * 100, y / SIZE[0] * 100] for x, y in corners]
    return result("polygonlabels", {"points": points, "closed": True, "polygonlabels": [name]})


def result(kind: str, value: dict[str, object]) -> dict[str, object]:
    size = {"original_width": SIZE[1], "original_height": SIZE[0], "image_rotation": 0}
    return {"id": kind, "from_name": "label", "to_name": "image", "type": kind, **size, "value": value}


def tasks(marks: dict[str, list[dict[str, object]]], folder: str) -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "annotations": [
                {"id": number, "result": marks.get(name, []), "was_cancelled": False, "ground_truth": False}
            ],
            "predictions": [],
            "data": {"image": f"{folder}{name}.png"},
        }
        for number, name in enumerate(NAMES, start=1)
    ]


def write_label_studio(out: Path, images: Path) -> None:
    """Its own JSON with a packed brush, and what its converter makes of polygons."""
    marks = {"a": [brushed(pit(), "pit"), brushed(scratch(), "scratch")], "b": [outlined(TRIANGLE, "scratch")]}
    (out / "label-studio").mkdir()
    text = json.dumps(tasks(marks, "/data/upload/1/0a1b2c3d-"))
    (out / "label-studio" / "export.json").write_text(text, encoding="utf-8")
    polygons = {"a": [outlined(SQUARE, "pit")], "b": [outlined(TRIANGLE, "scratch")]}
    export = out / "tasks.json"
    export.write_text(json.dumps(tasks(polygons, f"{images}/")), encoding="utf-8")
    labels = "".join(f'<Label value="{name}"/>' for name in CLASSES)
    shown = '<Image name="image" value="$image"/>'
    config = f'<View>{shown}<PolygonLabels name="label" toName="image">{labels}</PolygonLabels></View>'
    converter = Converter(config, str(images), download_resources=False)
    more = {"is_dir": False, "output_image_dir": str(out / "copies")}
    converter.convert_to_yolo(str(export), str(out / "yolo"), split_labelers=False, **more)
    converter.convert_to_coco(str(export), str(out / "label-studio-coco"), **more)
    export.unlink()
    shutil.rmtree(out / "copies", ignore_errors=True)


def write_labelme(out: Path) -> None:
    """Its own JSON, and what it draws of the shapes of one."""

    def shape(label: str, points: list[tuple[float, float]], kind: str, mask: str | None = None) -> dict[str, object]:
        common: dict[str, object] = {"group_id": None, "flags": {}, "description": "", "mask": mask}
        return {"label": label, "points": points, "shape_type": kind, **common}

    left, top, width, height = cv2.boundingRect(pit().astype(np.uint8))
    part = pit()[top : top + height, left : left + width].astype(np.uint8)
    corners = [(float(left), float(top)), (float(left + width - 1), float(top + height - 1))]
    shapes = {
        "a": [shape("pit", corners, "mask", img_arr_to_b64(part)), shape("scratch", BAR, "polygon")],
        "b": [
            shape("scratch", TRIANGLE, "polygon"),
            shape("pit", [(45.0, 20.0), (50.0, 20.0)], "circle"),
            shape("scratch", [(40.0, 40.0), (50.0, 42.0), (60.0, 40.0)], "linestrip"),
        ],
        "good": [],
    }
    (out / "labelme").mkdir()
    (out / "labelme-drawn").mkdir()
    for name, drawn in shapes.items():
        LabelFile().save(str(out / "labelme" / f"{name}.json"), drawn, f"{name}.png", SIZE[0], SIZE[1])
    for one in shapes["b"]:
        mask = shape_to_mask(SIZE, one["points"], one["shape_type"]).astype(np.uint8) * 255
        cv2.imwrite(str(out / "labelme-drawn" / f"{one['shape_type']}.png"), mask)


def main() -> None:
    """Write everything into a new folder, without the images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="a new folder")
    out = parser.parse_args().out.resolve()
    out.mkdir()
    images = out / "images"
    for number, name in enumerate(NAMES, start=1):
        picture(images / f"{name}.png", number)
    write_datumaro(out, images)
    write_label_studio(out, images)
    write_labelme(out)
    for folder in (*out.glob("*/images"), *out.glob("*/JPEGImages"), *out.glob("*/Images"), images):
        shutil.rmtree(folder)


if __name__ == "__main__":
    print_machine()
    main()
