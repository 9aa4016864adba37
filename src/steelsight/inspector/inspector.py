"""What a program opens: an exported inspector, ready to judge images."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, Self, get_args

from steelsight.cascade.engine import Aim, Device, Engine
from steelsight.cascade.judge import Prediction, judge, judge_batch, sees_grey
from steelsight.cascade.sources import Source
from steelsight.core.arguments import check_choice, check_list, check_whole
from steelsight.core.errors import UserError
from steelsight.imaging.object_store import ImagePath, StoredObject
from steelsight.imaging.pixels import as_pixels
from steelsight.imaging.preprocess import Image
from steelsight.imaging.read import decode_image, read_content
from steelsight.inspector.artifact import InspectorCard, open_artifact
from steelsight.inspector.checksums import Checksums
from steelsight.inspector.choose_engine import open_engine
from steelsight.inspector.ready import ready_inspector
from steelsight.inspector.signature import Signature, read_trusted_keys, refuse_keys_inside


class PillowImage(Protocol):
    """How a `PIL.Image.Image` is recognised; Pillow is not part of the plain install."""

    @property
    def mode(self) -> str: ...

    def convert(self, mode: str | None = None, /, *args: Any, **options: Any) -> Any: ...


@dataclass(frozen=True, eq=False)
class Inspector:
    """An exported inspector: networks, preprocessing, rule and verdict policy in one object.

    Attributes:
        folder: where it is.
        card: what it is made of.
        checksums: what its files are held against whenever they are read.
        signature: who signed it, as far as that was asked.
        device, threads: see `open`.

    >>> inspector = Inspector.open("inspectors/line2")            # doctest: +SKIP
    >>> judged = inspector("strip.jpg")                           # doctest: +SKIP
    >>> judged.p_defect, judged.verdict                           # doctest: +SKIP
    (0.93, Verdict(answer='reject', reason='P(defect) 0.93 exceeds 0.72: 1 defect of class 3, 1,234 px'))
    >>> for judged in inspector.stream(Path("line2").glob("*.jpg")):   # doctest: +SKIP
    ...     print(judged.source.image_id, judged.is_defective)
    """

    folder: Path
    card: InspectorCard
    checksums: Checksums
    signature: Signature
    device: Device = "auto"
    threads: int | None = None
    _engines: dict[Aim, Engine] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        _check_where(self.device, self.threads)

    def __repr__(self) -> str:
        """One line: the card has thousands of characters, which a notebook would print."""
        return f"Inspector({str(self.folder)!r}, classes={self.classes!r}, device={self.device!r})"

    @classmethod
    def demo(cls, *, device: Device = "auto", threads: int | None = None) -> Self:
        """Open the ready inspector that travels in the package, which knows made-up steel only; see `open`."""
        return cls.open(ready_inspector(), device=device, threads=threads)

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        device: Device = "auto",
        threads: int | None = None,
        trust: Sequence[Path | str] = (),
    ) -> Self:
        """Check an inspector's files and open it; its networks are loaded when they are first needed.

        Args:
            device: `auto` takes a CUDA device if one can be used, else the processor.
            threads: of the processor; all that this process may use if left out.
            trust: PEM files of public keys, or folders of such files (*.pem), of which one must have signed it; any
                inspector will do if left out.

        Raises:
            UserError: the folder holds no inspector, or one that is damaged, edited, of a newer version, or signed by none
                of the keys; or a key lies in it. Or an argument is out of its range.
        """
        _check_where(device, threads)
        check_list("trust", trust)
        keys = [Path(one) for one in trust]
        refuse_keys_inside(Path(folder), keys)
        card, checksums, signature = open_artifact(Path(folder), read_trusted_keys(keys))
        return cls(Path(folder), card, checksums, signature, device, threads)

    @property
    def classes(self) -> tuple[str, ...]:
        """Defect class names, in the order of `Prediction.runs`."""
        return self.card.classes

    def __call__(self, image: "ImagePath | str | Image | PillowImage") -> Prediction:
        """Judge one image as soon as possible: all threads work on it.

        Args:
            image: a file, or one in an object store by its URL; or pixels: uint8 or uint16, (H, W) grey or (H, W, 3) RGB; or
                a `PIL.Image.Image`. What a colour JPEG shows to networks that see grey is the file's own luma, from which the
                grey of its decoded pixels differs by a rounding, and more where a colour is saturated.

        Raises:
            ImageError: the file is missing or cannot be read; it is a `UserError`.
            UserError: the pixels are something else, such as floats or channels first.
        """
        engine = self.engine("latency")
        if isinstance(image, Path | StoredObject | str):
            source = Source.of(image)
            content = read_content(source.path)
            pixels = decode_image(content, source.path, grey=sees_grey(engine))
            sha256 = hashlib.sha256(content).hexdigest()
        else:
            source, pixels, sha256 = Source("image", Path("image")), as_pixels(image), None
        card = self.card
        (judged,) = judge_batch(
            [(source, pixels)], engine, card.rule, keep_maps=True, flags=card.familiar.flags, policy=card.policy
        )
        return replace(judged, sha256=sha256)

    def stream(self, paths: Iterable[ImagePath | str | Source], *, keep_maps: bool = False) -> Iterator[Prediction]:
        """Judge many images as fast as possible, in their order; an unreadable file gives a `Prediction` with its error.

        Args:
            paths: files, or `Source` to name them too. They are taken a few batches ahead, so they may be endless.
            keep_maps: whether `Prediction.maps` is wanted.

        Raises:
            UserError: it is one path in place of many, or one of them is none.
        """
        check_list("paths", paths)
        sources = map(_source_of, paths)
        engine = self.engine("throughput")
        card = self.card
        return judge(sources, engine, card.rule, keep_maps=keep_maps, flags=card.familiar.flags, policy=card.policy)

    def engine(self, aim: Aim) -> Engine:
        """The networks, loaded for an aim; kept."""
        if aim not in self._engines:
            self._engines[aim] = open_engine(
                self.folder, self.card, checksums=self.checksums, device=self.device, aim=aim, threads=self.threads
            )
        return self._engines[aim]


def _check_where(device: object, threads: object) -> None:
    check_choice("device", device, get_args(Device))
    if threads is not None:
        check_whole("threads", threads, 1, "threads of the processor", otherwise="leave it out for all")


def _source_of(path: "ImagePath | str | Source") -> Source:
    if isinstance(path, Source):
        return path
    if isinstance(path, PathLike) and not isinstance(path, Path):
        path = Path(path)
    if not isinstance(path, Path | StoredObject | str):
        raise UserError(
            f"{type(path).__name__} in a stream, which is of the paths of files; call the inspector with pixels"
        )
    return Source.of(path)
