"""Writes small labelled images in each of the four layouts, for tests that read them back."""

import csv
import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.rle import encode_mask, format_runs, to_coco_counts

Masks = Mapping[str, NDArray[np.bool_]]
"""The masks of one image by class name, bool (H, W)."""


def write_picture(path: Path, size: tuple[int, int], value: int = 90) -> Path:
    """A plain grey image with one lighter pixel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(size, value, np.uint8)
    pixels[0, 0] = min(value + 30, 255)
    assert cv2.imwrite(str(path), pixels)
    return path


def write_csv(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    """A CSV with the rows given, the header first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
    return path


def write_severstal(
    root: Path, images: Mapping[str, tuple[tuple[int, int], Masks]], classes: Sequence[str], *, wide: bool = False
) -> Path:
    """`train_images/` and `train.csv`; three columns hold positive rows only, two columns every (image, class)."""
    rows: list[Sequence[object]] = [("ImageId_ClassId", "EncodedPixels") if wide else LONG]
    for name, (size, masks) in images.items():
        write_picture(root / "train_images" / name, size)
        for class_id in classes:
            mask = masks.get(class_id)
            text = format_runs(encode_mask(mask)) if mask is not None else ""
            if wide:
                rows.append((f"{name}_{class_id}", text))
            elif text:
                rows.append((name, class_id, text))
    write_csv(root / "train.csv", rows)
    return root


LONG = ("ImageId", "ClassId", "EncodedPixels")


def write_index_png(root: Path, name: str, indices: NDArray[np.uint8]) -> None:
    """One image of `images/` with its mask in `masks/`."""
    write_picture(root / "images" / name, (indices.shape[0], indices.shape[1]))
    (root / "masks").mkdir(exist_ok=True)
    assert cv2.imwrite(str(root / "masks" / f"{Path(name).stem}.png"), indices)


def write_class_image(folder: Path, name: str, mask: NDArray[np.uint8]) -> None:
    """One image with its mask beside it, grey values as they are given."""
    write_picture(folder / name, (mask.shape[0], mask.shape[1]))
    assert cv2.imwrite(str(folder / f"{Path(name).stem}.png"), mask)


def write_coco(root: Path, images: Sequence[object], annotations: Sequence[object], classes: Mapping[int, str]) -> Path:
    """`annotations.json` in `root`; returns its path."""
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": key, "name": name} for key, name in classes.items()],
    }
    root.mkdir(parents=True, exist_ok=True)
    file = root / "annotations.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def coco_counts(mask: NDArray[np.bool_]) -> dict[str, object]:
    """A mask as uncompressed COCO run lengths."""
    size = (mask.shape[0], mask.shape[1])
    return {"size": list(size), "counts": to_coco_counts(encode_mask(mask), size)}


def palette_png(indices: NDArray[np.uint8], bits: int, palette: bytes | None = None, *, grey: bool = False) -> bytes:
    """A PNG with a palette, or in grey of so few bits, written by hand since OpenCV writes none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = indices.shape
    per_byte = 8 // bits
    rows = b""
    for row in indices.tolist():
        row += [0] * (-width % per_byte)
        packed = [row[at : at + per_byte] for at in range(0, len(row), per_byte)]
        rows += b"\0" + bytes(sum(v << (8 - bits * (k + 1)) for k, v in enumerate(group)) for group in packed)
    header = struct.pack(">IIBBBBB", width, height, bits, 0 if grey else 3, 0, 0, 0)
    colours = b"" if grey else chunk(b"PLTE", palette or bytes(range(200, 200 + 3 * min(2**bits, 16))))
    parts = (chunk(b"IHDR", header), colours, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
