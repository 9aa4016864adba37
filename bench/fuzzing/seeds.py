"""Valid files, made by the project's own writers, by hand, or by labelling tools (`tests/data/exports`)."""

import io
import shutil
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from helpers.data import ROOT
from helpers.labelled_scene import SIZE, picture, pit, scratch
from helpers.layout_writers import palette_png, write_class_image
from helpers.policies import make_policy
from helpers.tiny_inspector import RULE, make_inspector
from PIL import Image

from fuzzing.folders import Files, read_files
from steelsight.dataset.convert import convert
from steelsight.dataset.read import read_dataset

EXPORTS = ROOT / "tests" / "data" / "exports"
IMAGES_OF = {
    **{"cvat": "images", "cvat-mask": "images", "voc-segmentation": "JPEGImages", "voc-boxes": "JPEGImages"},
    **{"labelme-xml": ".", "yolo-boxes": "images/train", "yolo": "images", "coco": "images/train"},
    **{"coco-mask": "images/train", "label-studio": "images", "label-studio-coco": "images", "labelme": "."},
}
WRITTEN = ("coco", "labelme", "yolo", "cvat", "index-png", "severstal")


def datasets() -> dict[str, Files]:
    """A small folder of each layout, and of each tool's export."""
    made = {}
    with tempfile.TemporaryDirectory() as work:
        for name, images in IMAGES_OF.items():
            root = Path(work) / name
            shutil.copytree(EXPORTS / name, root)
            for number, one in enumerate(("a", "b", "good"), start=1):
                part = images.replace("train", "val") if name == "yolo-boxes" and one == "b" else images
                picture(root / part / f"{one}.png", number)
            made[name] = read_files(root)
        source = read_dataset(Path(work) / "coco-mask")
        for layout in WRITTEN:
            convert(source, Path(work) / f"own-{layout}", layout)  # type: ignore[arg-type]
            made[f"own-{layout}"] = read_files(Path(work) / f"own-{layout}")
        for write in (_class_folders, _mvtec, _colour_masks, _image_labels):
            root = Path(work) / write.__name__
            write(root)
            made[write.__name__.strip("_").replace("_", "-")] = read_files(root)
    return made


def _class_folders(root: Path) -> None:
    for folder, name, mask in (
        ("pit", "a.jpg", pit()),
        ("scratch", "b.jpg", scratch()),
        ("good", "c.jpg", pit() & False),
    ):
        write_class_image(root / folder / "Imgs", name, mask.astype(np.uint8) * 255)


def _mvtec(root: Path) -> None:
    for name in ("train/good/0.png", "test/good/1.png", "test/pit/2.png", "test/scratch/3.png"):
        picture(root / name)
    for name, mask in (("pit/2_mask.png", pit()), ("scratch/3_mask.png", scratch())):
        (root / "ground_truth" / name).parent.mkdir(parents=True)
        cv2.imwrite(str(root / "ground_truth" / name), mask.astype(np.uint8) * 255)


def _colour_masks(root: Path) -> None:
    (root / "masks").mkdir(parents=True)
    for name, mask in (("a", pit()), ("b", scratch())):
        picture(root / "images" / f"{name}.png")
        colours = np.zeros((*SIZE, 3), np.uint8)
        colours[mask] = (0, 0, 255)
        cv2.imwrite(str(root / "masks" / f"{name}.png"), colours)
    (root / "class_dict.csv").write_text("name,r,g,b\nbackground,0,0,0\npit,255,0,0\n")


def _image_labels(root: Path) -> None:
    for name in ("a.png", "coil 7/b.png", "c.png", "d.png"):
        picture(root / name)
    (root / "labels.csv").write_text("image,class\na.png,good\ncoil 7/b.png,scratch\nc.png,pit\nd.png,ok\n")


def pictures() -> dict[str, Files]:
    """Small pictures in every format and kind that is read, by format."""
    grey = np.random.default_rng(1).integers(20, 200, (40, 56), np.uint8)
    colour = np.dstack([grey, grey[::-1], grey[:, ::-1]])
    deep = grey.astype(np.uint16) * 200
    alpha = np.dstack([colour, grey])
    found: dict[str, Files] = {"jpeg": {}, "png": {}, "tiff": {}, "bmp": {}}
    for name, pixels in (("grey", grey), ("colour", colour), ("deep", deep), ("alpha", alpha)):
        for suffix, kind in ((".jpg", "jpeg"), (".png", "png"), (".tif", "tiff"), (".bmp", "bmp")):
            if suffix in (".png", ".tif") or name in ("grey", "colour"):
                found[kind][f"{name}{suffix}"] = cv2.imencode(suffix, pixels)[1].tobytes()
    plain = Image.fromarray(grey)
    for name, wish in (
        ("progressive", {"progressive": True}),
        ("restart", {"restart_marker_blocks": 1}),
        ("q20", {"quality": 20}),
    ):
        found["jpeg"][f"{name}.jpg"] = _saved(Image.fromarray(colour), "JPEG", **wish)
    found["jpeg"]["cmyk.jpg"] = _saved(Image.fromarray(colour).convert("CMYK"), "JPEG")
    for packing in ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg"):
        found["tiff"][f"{packing}.tif"] = _saved(plain, "TIFF", compression=packing)
    found["tiff"]["bilevel.tif"] = _saved(plain.convert("1"), "TIFF", compression="group4")
    found["tiff"]["palette.tif"] = _saved(plain.convert("P"), "TIFF")
    found["tiff"]["pages.tif"] = _saved(plain, "TIFF", save_all=True, append_images=[plain])
    found["tiff"]["tiles.tif"] = _tiled(grey)
    found["png"]["palette.png"] = palette_png(grey % 4, 2)
    found["png"]["interlaced.png"] = _saved(plain, "PNG", interlace=1)
    found["png"]["bilevel.png"] = _saved(plain.convert("1"), "PNG")
    found["bmp"]["palette.bmp"] = _saved(plain.convert("P"), "BMP")
    found["bmp"]["bilevel.bmp"] = _saved(plain.convert("1"), "BMP")
    return found


def _saved(image: Image.Image, kind: str, **wish: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **wish)
    return content.getvalue()


def _tiled(grey: np.ndarray[Any, Any]) -> bytes:
    """A TIFF of four deflated tiles of 32 x 32, by hand."""
    canvas = np.zeros((64, 64), np.uint8)
    canvas[: grey.shape[0], : grey.shape[1]] = grey
    tiles = [zlib.compress(canvas[y : y + 32, x : x + 32].tobytes()) for y in (0, 32) for x in (0, 32)]
    fields = [
        (256, 3, 1, 56),
        (257, 3, 1, 40),
        (258, 3, 1, 8),
        (259, 3, 1, 8),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
        (322, 3, 1, 32),
        (323, 3, 1, 32),
    ]
    lists = 8 + 2 + 12 * (len(fields) + 2) + 4
    places, at = [], lists + 32
    for tile in tiles:
        places.append(at)
        at += len(tile)
    fields += [(324, 4, 4, lists), (325, 4, 4, lists + 16)]
    head = b"II*\0" + struct.pack("<IH", 8, len(fields))
    table = b"".join(struct.pack("<HHII", *field) for field in fields) + struct.pack("<I", 0)
    return head + table + struct.pack("<4I4I", *places, *map(len, tiles)) + b"".join(tiles)


def inspector() -> Files:
    """A small inspector with a policy."""
    with tempfile.TemporaryDirectory() as work:
        rule = RULE.model_copy(update={"gate": 0.05})
        return read_files(make_inspector(Path(work) / "inspector", rule=rule, policy=make_policy(0.2, 0.95)))


def run() -> Files:
    """A decided RUN of seven strips with its evidence, whose images lie where the tests' do."""
    from helpers.judged_run import make_run

    from steelsight.run.run import Run
    from steelsight.selection.decide import decide
    from steelsight.selection.decision import write_decision

    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "run"
        make_run(folder, {"c": 0.2, "s": 0.3}, every=6, folds=2)
        write_decision(Run(folder), decide(Run(folder)))
        log = folder / "jobs" / "c" / "fold0" / "log.jsonl"
        log.parent.mkdir(parents=True)
        log.write_text(
            "".join(
                f'{{"epoch": {n}, "phase": 1, "train_loss": 0.5, "valid_auc": 0.7, "seconds": 1.5}}\n' for n in range(3)
            )
        )
        return read_files(folder)


def pictures_of_strips(count: int) -> dict[str, bytes]:
    """The first images of the sample."""
    from helpers.data import SAMPLE

    return {path.name: path.read_bytes() for path in sorted((SAMPLE / "train_images").iterdir())[:count]}
