"""An inspector on a node of a cluster: opened once, it judges group after group of images."""

import socket
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from steelsight.cascade.judge import Prediction, judge
from steelsight.cascade.sources import Source
from steelsight.cluster.check_nodes import another_steelsight
from steelsight.cluster.nodes import this_node
from steelsight.cluster.shipped import Packed, unpack
from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors
from steelsight.imaging.object_store import StoreError, image_path, is_url
from steelsight.imaging.read import ImageError, read_content
from steelsight.version import __version__

Message = dict[str, Any]
Image = tuple[str, str, bytes | str | None]
"""A name, its path on the driver's machine or its URL, and its bytes, why there are none, or None where this node is to read
it."""


class InspectorActor:
    """One inspector.

    Args:
        packed: the files of the inspector, under its fingerprint.
        cuda: whether it runs on the GPU that Ray has given it.
        threads: of the processor.
        pixels: whether what is sent back has the images themselves, to be drawn over.
    """

    def __init__(self, packed: Packed, cuda: bool, threads: int, pixels: bool) -> None:
        self._packed, self._cuda, self._threads, self._pixels = packed, cuda, threads, pixels

    def open(self, steelsight: str) -> Message:
        """Load the networks: `{"ready": host, "node": id}`, or `{"unfit": sentence, "node": id}` where this node cannot.

        Args:
            steelsight: the driver's version.
        """
        import ray

        from steelsight.inspector.inspector import Inspector

        here, host = this_node(ray), socket.gethostname()
        node = here.id if here else ""
        if steelsight != __version__:
            return {"unfit": another_steelsight(host, __version__, steelsight), "node": node}
        try:
            with disk_errors(Path(tempfile.gettempdir()), room="free some space there"):
                folder = unpack(ray, self._packed)
            self._inspector = Inspector.open(folder, device="cuda" if self._cuda else "cpu", threads=self._threads)
            if self._inspector.checksums.fingerprint != self._packed.key:
                raise UserError(f"{folder}: it is not the inspector that was sent; remove it there, and begin again")
            self._engine = self._inspector.engine("throughput")
        except UserError as error:
            return {"unfit": f"node {host}: {error}", "node": node}
        return {"ready": host, "node": node}

    def judge(self, images: Sequence[Image]) -> Message:
        """Judge images in their order: `{"judged": predictions}`, or `{"unfit": sentence}` where this node lacks one, or
        `{"unanswered": sentence}` where an object store does not answer it, or `{"failed": sentence}`.

        Of the images themselves what comes back is their size alone, unless the pixels are wanted.
        """
        for _, path, content in images:
            if content is None and not is_url(path) and not Path(path).exists():
                return {
                    "unfit": f"{path}: node {socket.gethostname()} does not see it; mount its folder under this very path "
                    "on every node, or let `ship_data=` bring the images"
                }
        contents = {path: content for _, path, content in images}

        def read(source: Source) -> bytes:
            content = contents[str(source.path)]
            if isinstance(content, str):
                raise ImageError("missing-image", source.path, content)
            return read_content(source.path) if content is None else content

        card = self._inspector.card
        sources = [Source(name, image_path(path)) for name, path, _ in images]
        judged = judge(sources, self._engine, card.rule, flags=card.familiar.flags, policy=card.policy, read=read)
        try:
            return {"judged": [one if self._pixels else without_pixels(one) for one in judged]}
        except StoreError as error:
            return {"unanswered": str(error)}
        except UserError as error:
            return {"failed": f"node {socket.gethostname()}: {error}"}


def without_pixels(judged: Prediction) -> tuple[Prediction, tuple[int, int] | None]:
    """What was judged, and the size of its image."""
    return replace(judged, image=None), judged.size


def with_size(judged: Prediction | tuple[Prediction, tuple[int, int] | None]) -> Prediction:
    """What `without_pixels` was given, but for its pixels: they are all black, and take no memory."""
    if isinstance(judged, Prediction):
        return judged
    prediction, size = judged
    return prediction if size is None else replace(prediction, image=np.broadcast_to(np.uint8(0), size))
