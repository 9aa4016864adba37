"""An archive that is sent while it is written."""

import io
import zipfile
from typing import IO, cast

from steelsight.core.collected_pieces import CollectedPieces


def test_the_pieces_are_the_file() -> None:
    collected, pieces = CollectedPieces(), []
    with zipfile.ZipFile(cast(IO[bytes], collected), "w") as archive:
        for name in ("a", "b"):
            archive.writestr(name, name * 1000)
            pieces.append(collected.take())
    pieces.append(collected.take())
    assert collected.tell() == sum(map(len, pieces))
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert [archive.read(name) for name in ("a", "b")] == [b"a" * 1000, b"b" * 1000]
