"""Images and probability maps by content: the same image is stored once, under the SHA-256 of its bytes.

DATA/images/ab/<sha256>.jpg|png|bmp|tif         the file as it came
DATA/maps/ab/<sha256>.<inspector, 12>.npz.gz    each segmenter's 8-bit map at its working size, and how it came there; .npz
                                                where an earlier version stored it
DATA/unknown/images/..., maps/...               those that no entry of the log names, moved here and never removed
"""

import json
import os
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from io import BytesIO
from math import inf
from pathlib import Path
from typing import cast, get_args

import numpy as np
from isal import igzip, isal_zlib
from numpy.typing import NDArray

from steelsight.core.files import disk_errors, temporary_beside, write_bytes
from steelsight.core.private_files import create_private_file, make_private_folder
from steelsight.core.safe_names import told_apart
from steelsight.imaging.combine import Combine, CutAt, combine_maps
from steelsight.imaging.header import Format, image_format
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.rle import decode_runs, parse_runs

_SUFFIXES: dict[Format, str] = {"jpeg": ".jpg", "png": ".png", "bmp": ".bmp", "tiff": ".tif"}
ASIDE = "unknown"
"""Folder in the data folder."""
_PREPROCESSES = "preprocesses"
_COMBINE = "combine"
_AT = "at"
_COUNTED = "counted"
_GZIP, _LEVEL, _WINDOW = b"\x1f\x8b", 1, 31  # 31: with the head and checksum of gzip
_LARGEST = 1 << 29  # bytes of an image's maps: a file from strangers must not ask for more memory than there is
_PART_SECONDS = 3600.0  # no process still writes a temporary file of that age: a write takes seconds
_PROBE = 65_536  # bytes
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, eq=False)
class NetworkMaps:
    """What the segmenters said of one image.

    Attributes:
        maps: one uint8 (classes, height, width) per network, at its working size.
        preprocesses: how the image reached each.
        combine: how they are combined.
        at: where the rule cuts masks.
        counted: run lengths of the pixels in the region of interest; None where all count.
    """

    maps: tuple[NDArray[np.uint8], ...]
    preprocesses: tuple[Preprocess, ...]
    combine: Combine = "mean"
    at: CutAt = "image"
    counted: str | None = None

    def of_class(self, index: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        """The combined map of a class, uint8 `size`: exactly what the rule cut."""
        of_class = [map_[index : index + 1] for map_ in self.maps]
        combined: NDArray[np.uint8] = combine_maps(of_class, self.preprocesses, size, self.combine, self.at)[0]
        if self.counted is None:
            return combined
        return np.where(decode_runs(parse_runs(self.counted, size), size), combined, np.uint8(0))

    def pack(self) -> bytes:
        """As the content of an .npz.gz, packed lightly: by ISA-L, in a fifth of the time that zlib takes for as few bytes."""
        described = json.dumps([one.model_dump(mode="json") for one in self.preprocesses])
        first = [(_PREPROCESSES, np.array(described)), (_COMBINE, np.array(self.combine))]
        if self.at != "image":
            first.append((_AT, np.array(self.at)))
        if self.counted is not None:
            first.append((_COUNTED, np.array(self.counted)))
        content = BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            for name, array in (*first, *((str(i), m) for i, m in enumerate(self.maps))):
                with archive.open(f"{name}.npy", "w") as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)
        packed: bytes = igzip.compress(content.getvalue(), _LEVEL, mtime=0)
        return packed

    @classmethod
    def unpack(cls, content: bytes) -> "NetworkMaps":
        """What `pack` made, or the .npz of an earlier version.

        Raises:
            ValueError: it is damaged, or has more than half a gigabyte.
        """
        try:
            npz = _unzipped(content) if content.startswith(_GZIP) else content
            with zipfile.ZipFile(BytesIO(npz)) as entries:
                if sum(entry.file_size for entry in entries.infolist()) > _LARGEST:
                    raise ValueError(f"it has more than {_LARGEST} bytes")
            with np.load(BytesIO(npz), allow_pickle=False) as archive:
                described = json.loads(str(archive[_PREPROCESSES]))
                maps = tuple(archive[str(index)] for index in range(len(described)))
                combine = str(archive[_COMBINE]) if _COMBINE in archive else "mean"  # as it was before it was kept
                at = str(archive[_AT]) if _AT in archive else "image"
                counted = str(archive[_COUNTED]) if _COUNTED in archive else None
            if combine not in get_args(Combine) or at not in get_args(CutAt):
                raise ValueError(f"combine is {combine!r}, at {at!r}")
            preprocesses = tuple(Preprocess.model_validate(one) for one in described)
            return cls(maps, preprocesses, cast(Combine, combine), cast(CutAt, at), counted)
        except Exception as error:  # whatever reads on the way, zlib and tokenize too, has errors of its own
            raise ValueError(f"no stored maps ({error})") from error


@dataclass(frozen=True)
class Stored:
    """A file of the store.

    Attributes:
        sha256: of the image that it is, or whose maps it holds.
        path: where it is.
        bytes: its size.
        used: when it was last stored, seconds since 1970.
    """

    sha256: str
    path: Path
    bytes: int
    used: float


@dataclass(frozen=True)
class ImageStore:
    """The images and maps of a station. Any number of threads and processes may use one folder.

    Attributes:
        data: the station's data folder.
    """

    data: Path

    def put_image(self, sha256: str, content: bytes) -> None:
        """Store an image; one that is there already is only marked as used.

        Raises:
            UserError: the disk is full or may not be written to.
            ValueError: it has none of the formats that are read.
        """
        if not _is_digest(sha256):
            raise ValueError(f"{sha256[:80]!r}: no SHA-256")
        kind = image_format(content)
        if kind is None:
            raise ValueError(f"{sha256}: no image")
        self._put(self._image_path(sha256, kind), content, durable=True)

    def put_maps(self, sha256: str, inspector: str, packed: bytes) -> None:
        """Store what `NetworkMaps.pack` made of an image's maps, by an inspector.

        Raises:
            UserError: the disk is full or may not be written to.
        """
        self._put(self._maps_path(sha256, inspector), packed, durable=False)

    def image_path(self, sha256: str) -> Path | None:
        """Where an image is; None where it is not stored (any more). A log may name anything: what is no SHA-256 is not."""
        if not _is_digest(sha256):
            return None
        paths = (self._image_path(sha256, kind) for kind in _SUFFIXES)
        with _refusals(self._images, "read"):
            return next((path for path in paths if path.is_file()), None)

    def read_image(self, sha256: str) -> bytes | None:
        """An image's file; None where it is not stored (any more)."""
        path = self.image_path(sha256)
        return None if path is None else _read(path)

    def read_maps(self, sha256: str, inspector: str) -> NetworkMaps | None:
        """What an inspector's segmenters said of an image; None where it is not stored (any more), or damaged.

        Raises:
            UserError: the disk refuses.
        """
        if not (_is_digest(sha256) and _is_digest(inspector)):
            return None
        path = self._maps_path(sha256, inspector)
        content = _read(path)
        if content is None:
            content = _read(path.with_suffix(""))
        try:
            return None if content is None else NetworkMaps.unpack(content)
        except ValueError:  # a power cut may leave the last ones empty
            return None

    def remove(self, sha256: str, *, last_used: float = inf) -> int:
        """Remove an image and all maps of it; how many bytes that freed.

        Args:
            last_used: seconds since 1970; what was stored again after that stays: somebody is about to log it.

        Raises:
            UserError: the disk refuses.
        """
        freed = 0
        if not _is_digest(sha256):  # a pattern, as a file in the folder may be called, would mean others
            return freed
        for path in (*self._images.glob(f"{sha256[:2]}/{sha256}.*"), *self._maps.glob(f"{sha256[:2]}/{sha256}.*")):
            with _refusals(path, "removed"), suppress(FileNotFoundError):  # another process removed it
                if path.stat().st_mtime <= last_used:
                    freed += _unlink_unless_used(path, last_used)
        return freed

    @property
    def aside(self) -> "ImageStore":
        """The store for what no entry of the log names, in a folder of the data folder."""
        return ImageStore(self.data / ASIDE)

    def set_aside(self, file: Stored) -> bool:
        """Move one of the files to `aside`, unless it was stored again since it was listed; whether it was moved.

        Raises:
            UserError: the disk refuses.
        """
        return self._move(file, self.aside.data / file.path.relative_to(self.data))

    def put_back(self, file: Stored) -> bool:
        """Move one of the files of `aside` back, as if it were stored now; whether it was moved.

        Raises:
            UserError: the disk refuses.
        """
        return self._move(file, self.data / file.path.relative_to(self.aside.data), used_now=True)

    def _move(self, file: Stored, target: Path, *, used_now: bool = False) -> bool:
        with _refusals(file.path, "moved"), suppress(FileNotFoundError):  # another process moved it
            # of two files of one name, the smaller is a torn one; it stays where it is, since nothing is lost by a move
            if file.path.stat().st_mtime > file.used or (target.exists() and target.stat().st_size > file.bytes):
                return False
            make_private_folder(target.parent)
            file.path.replace(target)
            if used_now:
                os.utime(target)
            return True
        return False

    def files(self) -> Iterator[Stored]:
        """Every stored image and map, in no order."""
        for folder in (self._images, self._maps):
            for path in folder.glob("??/*"):
                try:
                    found = path.stat()
                except FileNotFoundError:  # another process removed it
                    continue
                if not path.name.startswith("."):
                    # escaped, since no log can be asked about a name that is not UTF-8
                    image = told_apart(path.name.partition(".")[0])
                    yield Stored(image, path, found.st_size, found.st_mtime)

    def size(self) -> int:
        """Bytes of all images and maps."""
        return sum(one.bytes for one in self.files())

    def count(self) -> int:
        """Number of all images and maps."""
        return sum(1 for _ in self.files())

    def oldest(self) -> list[Stored]:
        """Every stored image and map, the one longest unused first."""
        return sorted(self.files(), key=lambda one: one.used)

    def check(self) -> None:
        """See whether an image could be stored at present.

        Raises:
            UserError: the disk is full or may not be written to.
        """
        probe = self._images / "00" / f".check.{os.getpid()}.{threading.get_ident()}.part"
        with _refusals(probe.parent):
            make_private_folder(probe.parent)
            try:
                create_private_file(probe)
                probe.write_bytes(bytes(_PROBE))
            finally:
                probe.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what killed processes left half-written. Another process may be writing: what is fresh stays."""
        before = time.time() - _PART_SECONDS
        for folder in (self._images, self._maps):
            for path in folder.glob("??/.*.part*"):
                with suppress(FileNotFoundError):  # its process finished it
                    if path.stat().st_mtime < before:
                        path.unlink()

    @property
    def _images(self) -> Path:
        return self.data / "images"

    @property
    def _maps(self) -> Path:
        return self.data / "maps"

    def _image_path(self, sha256: str, kind: Format) -> Path:
        return self._images / sha256[:2] / f"{sha256}{_SUFFIXES[kind]}"

    def _maps_path(self, sha256: str, inspector: str) -> Path:
        return self._maps / sha256[:2] / f"{sha256}.{inspector[:12]}.npz.gz"

    def _put(self, path: Path, content: bytes, *, durable: bool) -> None:
        """
        Args:
            durable: as the log, which names it.
        """
        with _refusals(path), suppress(FileNotFoundError):
            if path.stat().st_size == len(content):
                os.utime(path)
                return
        write_bytes(path, content, durable=durable, private=True, refusals=_refusals)


def _unzipped(content: bytes) -> bytes:
    """What a gzip file holds."""
    packed = isal_zlib.decompressobj(_WINDOW)
    found: bytes = packed.decompress(content, _LARGEST)
    if not packed.eof:
        raise ValueError(f"it is torn, or has more than {_LARGEST} bytes")
    return found


def _unlink_unless_used(path: Path, last_used: float) -> int:
    """Remove a file, unless it is stored again at this very moment; how many bytes that freed.

    It loses its name first: who stores it before that has marked it as used, which is seen then, and who does so after it
    writes it anew.
    """
    going = temporary_beside(path)
    path.replace(going)
    found = going.stat()
    if found.st_mtime > last_used:
        going.replace(path)
        return 0
    try:
        going.unlink()
    except OSError:  # the next pruning is to find it
        going.replace(path)
        raise
    return found.st_size


def _is_digest(text: str) -> bool:
    """Whether a text can be a part of a file's name: the store's folder is not left by way of it."""
    return _DIGEST.fullmatch(text) is not None


def _refusals(path: Path, what: str = "written") -> AbstractContextManager[None]:
    """Whatever the disk refuses, in one sentence for the user."""
    return disk_errors(path, room="free some space, or let `steelsight log prune` remove old images", all_as=what)


def _read(path: Path) -> bytes | None:
    with _refusals(path, "read"), suppress(FileNotFoundError):
        return path.read_bytes()
    return None
