"""What was found, as pictures: masks/*.png and overlays/*.jpg."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.judge import Prediction
from steelsight.cascade.sources import MASKS, OVERLAYS
from steelsight.core.files import sweep, write_bytes
from steelsight.imaging.preprocess import resize
from steelsight.imaging.rle import Runs, decode_runs
from steelsight.results.overlay import draw_overlay

_JPEG_QUALITY = 92
_LONGEST_JPEG = 65_500  # pixels of a side: libjpeg writes no more
_LONGEST, _KEPT = 251, 200  # bytes of a file name's 255, without its suffix


class Pictures:
    """Writes an image's mask and overlay where they are wanted.

    Args:
        out: folder of the results.
        classes: defect class names.
        image_ids: of all images, from which the names of the pictures follow.
        masks: whether to write masks/<image>.png, see `index_mask`.
        overlays: whether to write overlays/<image>.jpg, see `draw_overlay`; smaller than the image where that is longer than
            a JPEG can be.
    """

    def __init__(
        self, out: Path, classes: Sequence[str], image_ids: Iterable[str], *, masks: bool, overlays: bool
    ) -> None:
        self._classes = classes
        self._names = picture_names(image_ids) if masks or overlays else {}
        self._masks = out / MASKS if masks else None
        self._overlays = out / OVERLAYS if overlays else None

    @property
    def folders(self) -> list[Path]:
        """Where pictures go."""
        return [folder for folder in (self._masks, self._overlays) if folder is not None]

    def sweep(self) -> None:
        """Remove the half-written pictures of a run that was killed."""
        for folder in self.folders:
            sweep(folder)

    def write(self, judged: Prediction) -> None:
        """Write the pictures of one image; none of one that was not judged, whose empty mask would say that nothing is there.

        Raises:
            UserError: the disk is full or may not be written to.
        """
        image = judged.image
        if image is None or judged.error is not None or not self._names:
            return
        name = self._names[judged.source.image_id]
        if self._masks is not None:
            mask = index_mask(judged.runs, (image.shape[0], image.shape[1]))
            _write(self._masks / f"{name}.png", mask)
        if self._overlays is not None:
            seen = (judged.p_defect, judged.verdict, judged.suspected_runs, judged.counted)
            picture = draw_overlay(image, judged.runs, self._classes, *seen)
            _write(self._overlays / f"{name}.jpg", _as_long_as_jpeg(picture)[..., ::-1])

    def are_there(self, image_id: str) -> bool:
        """Whether the wanted pictures of an image exist, under the names that they would have now."""
        if not self._names:
            return True
        name = self._names[image_id]
        wanted = [(self._masks, f"{name}.png"), (self._overlays, f"{name}.jpg")]
        return all((folder / file).is_file() for folder, file in wanted if folder is not None)


def index_mask(runs: Sequence[Runs], size: tuple[int, int]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """One plane (H, W): 0 where nothing is, else the class's number from 1; where masks overlap, the smaller one shows.

    >>> from steelsight.imaging.rle import parse_runs
    >>> index_mask([parse_runs("1 1", None), parse_runs("1 3", None)], (2, 2)).tolist()
    [[1, 2], [2, 0]]
    """
    plane = np.zeros(size, np.uint8 if len(runs) < 256 else np.uint16)
    for index in sorted(range(len(runs)), key=lambda index: -runs[index].area):
        if runs[index].area:
            plane[decode_runs(runs[index], size)] = index + 1
    return plane


def picture_names(image_ids: Iterable[str]) -> dict[str, str]:
    """Name of each image's mask and overlay, without suffix: the image's own without suffix, or with it where that would
    not be its alone.

    >>> picture_names(["a/1.jpg", "a/2.jpg", "a/2.png"])
    {'a/1.jpg': 'a/1', 'a/2.jpg': 'a/2.jpg', 'a/2.png': 'a/2.png'}
    """
    stems = {image_id: str(PurePosixPath(image_id).with_suffix("")) for image_id in image_ids}
    counts = Counter(stems.values())
    return {
        image_id: _fitting(stem if counts[stem] == 1 and stem not in stems else image_id)
        for image_id, stem in stems.items()
    }


def _fitting(name: str) -> str:
    """A name to which a suffix can be added: its last part is cut, and told apart by a hash, where it is too long."""
    folder, slash, last = name.rpartition("/")
    content = os.fsencode(last)
    if len(content) <= _LONGEST:
        return name
    kept = os.fsdecode(content[:_KEPT]).encode("utf-8", "ignore").decode()
    return f"{folder}{slash}{kept}~{hashlib.blake2b(content, digest_size=8).hexdigest()}"


def _as_long_as_jpeg(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = _LONGEST_JPEG / max(picture.shape)
    if scale >= 1:
        return picture
    height, width = (max(1, int(side * scale)) for side in picture.shape[:2])
    return resize(picture, (height, width))


def _write(path: Path, pixels: NDArray[np.generic]) -> None:
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if path.suffix == ".jpg" else []
    done, encoded = cv2.imencode(path.suffix, pixels, options)
    if not done:
        raise ValueError(f"{path}: pixels of shape {pixels.shape} cannot be written so")
    write_bytes(path, encoded.tobytes())
