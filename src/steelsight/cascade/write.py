"""Writing what was judged while it is judged: submission.csv, images.csv, masks and overlays."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.judge import Judged
from steelsight.cascade.overlay import draw_overlay
from steelsight.errors import UserError
from steelsight.files import replacing, write_bytes
from steelsight.preprocess import Image
from steelsight.rle import Runs, decode_runs, format_runs

ClassIds = Literal["data", "numbers"]
SubmissionLayout = Literal["long", "wide"]

SUBMISSION, IMAGES = "submission.csv", "images.csv"
_JPEG_QUALITY = 92


class ResultWriter:
    """Writes results image by image into a folder; use as a context manager.

    `submission.csv` and `images.csv` appear when all is written. An interruption (Ctrl-C) leaves the finished rows as
    `submission.partial.csv` and `images.partial.csv`, and what stood there before untouched. Unreadable images have a row
    in `images.csv` with the reason, and none in `submission.csv`: nothing was predicted of them.

    Args:
        out: folder; made if it is missing.
        classes: defect class names.
        image_ids: of all images to come, from which the names of masks and overlays follow.
        class_ids: ClassId as the data names the class, or its number 1..K in the order of `classes`.
        layout: `long` is ImageId,ClassId,EncodedPixels; `wide` is ImageId_ClassId,EncodedPixels.
        masks: whether to write masks/<image>.png, see `index_mask`.
        overlays: whether to write overlays/<image>.jpg, see `draw_overlay`.
    """

    def __init__(
        self,
        out: Path,
        classes: Sequence[str],
        image_ids: Iterable[str],
        *,
        class_ids: ClassIds = "data",
        layout: SubmissionLayout = "long",
        masks: bool = False,
        overlays: bool = False,
    ) -> None:
        self.out = out
        self.classes = tuple(classes)
        self.masks, self.overlays = masks, overlays
        self._layout = layout
        self._class_ids = [str(number) for number in range(1, len(classes) + 1)] if class_ids == "numbers" else classes
        self._names = picture_names(image_ids)
        self._stack = ExitStack()

    @property
    def wrote(self) -> list[Path]:
        """Files and folders that a completed writing leaves."""
        folders = [self.out / name for name, wanted in (("masks", self.masks), ("overlays", self.overlays)) if wanted]
        return [self.out / SUBMISSION, self.out / IMAGES, *folders]

    def __enter__(self) -> Self:
        if self.out.exists() and not self.out.is_dir():
            raise UserError(f"{self.out}: there is a file of this name; choose another folder for the results")
        with ExitStack() as stack:
            self._submission = stack.enter_context(_GrowingCsv(self.out / SUBMISSION))
            self._images = stack.enter_context(_GrowingCsv(self.out / IMAGES))
            ids = ["ImageId_ClassId"] if self._layout == "wide" else ["ImageId", "ClassId"]
            self._submission.rows([[*ids, "EncodedPixels"]])
            areas = [f"area_{name}" for name in self.classes]
            self._images.rows([["ImageId", "height", "width", "p_defect", "classes", *areas, "error"]])
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, judged: Judged) -> None:
        """Add one image.

        Raises:
            UserError: the disk is full or may not be written to.
        """
        if judged.image is not None:
            self._write_pictures(judged, judged.image)
            self._submission.rows(self._submission_rows(judged))
        self._images.rows([self._image_row(judged)])

    def _write_pictures(self, judged: Judged, image: Image) -> None:
        name = self._names[judged.source.image_id]
        if self.masks:
            mask = index_mask(judged.runs, (image.shape[0], image.shape[1]))
            _write_picture(self.out / "masks" / f"{name}.png", mask)
        if self.overlays:
            picture = draw_overlay(image, judged.runs, self.classes, judged.p_defect)
            _write_picture(self.out / "overlays" / f"{name}.jpg", picture[..., ::-1])

    def _submission_rows(self, judged: Judged) -> list[list[str]]:
        image_id = judged.source.image_id
        rows = []
        for class_id, runs in zip(self._class_ids, judged.runs, strict=True):
            ids = [f"{image_id}_{class_id}"] if self._layout == "wide" else [image_id, class_id]
            rows.append([*ids, format_runs(runs)])
        return rows

    def _image_row(self, judged: Judged) -> list[object]:
        if judged.size is None:
            return [judged.source.image_id, "", "", "", "", *[""] * len(self.classes), judged.error]
        found = ";".join(name for name, runs in zip(self.classes, judged.runs, strict=True) if runs.area)
        areas = [runs.area for runs in judged.runs]
        return [judged.source.image_id, *judged.size, f"{judged.p_defect:.6f}", found, *areas, ""]


def index_mask(runs: Sequence[Runs], size: tuple[int, int]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """One plane (H, W): 0 where nothing is, else the class's number from 1; where masks overlap, the smaller one shows.

    >>> from steelsight.rle import parse_runs
    >>> index_mask([parse_runs("1 1", None), parse_runs("1 3", None)], (2, 2)).tolist()
    [[1, 2], [2, 0]]
    """
    plane = np.zeros(size, np.uint8 if len(runs) < 256 else np.uint16)
    for index in sorted(range(len(runs)), key=lambda index: -runs[index].area):
        if runs[index].area:
            plane[decode_runs(runs[index], size)] = index + 1
    return plane


def picture_names(image_ids: Iterable[str]) -> dict[str, str]:
    """Name of each image's mask and overlay, without suffix: the image's own without suffix, or with it where two images
    differ in nothing else.

    >>> picture_names(["a/1.jpg", "a/2.jpg", "a/2.png"])
    {'a/1.jpg': 'a/1', 'a/2.jpg': 'a/2.jpg', 'a/2.png': 'a/2.png'}
    """
    stems = {image_id: str(PurePosixPath(image_id).with_suffix("")) for image_id in image_ids}
    counts = Counter(stems.values())
    return {image_id: stem if counts[stem] == 1 else image_id for image_id, stem in stems.items()}


class _GrowingCsv:
    """A CSV written row by row under a temporary name; see `ResultWriter` for what an interruption leaves."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_suffix(f".partial{path.suffix}")
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._temporary = stack.enter_context(replacing(self._path))
            self._stream = stack.enter_context(self._temporary.open("w", encoding="utf-8", newline=""))
            self._stack = stack.pop_all()
        return self

    def rows(self, rows: Iterable[Sequence[object]]) -> None:
        """Append rows."""
        csv.writer(self._stream, lineterminator="\n").writerows(rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is KeyboardInterrupt:
            self._stream.close()
            self._temporary.replace(self._partial)
        self._stack.__exit__(kind, error, trace)
        if kind is None:
            self._partial.unlink(missing_ok=True)


def _write_picture(path: Path, pixels: NDArray[np.generic]) -> None:
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if path.suffix == ".jpg" else []
    _, encoded = cv2.imencode(path.suffix, pixels, options)
    write_bytes(path, encoded.tobytes())
