"""Names for image files that are written anew: each its own, on every disk and in every layout."""

from pathlib import PurePosixPath

from steelsight.core.safe_names import made_plain


def free_name(image_id: str, taken: set[str], *, flat: bool = False, by_stem: bool = False) -> str:
    """An image's name in a new folder: its id, changed where it must be; it is added to `taken`.

    Leading `images/` go, since a COCO file's images are looked for beside it before they are in `images/`. Names that
    differ in upper and lower case alone are one on some disks.

    Args:
        flat: no folders: what they say becomes part of the name.
        by_stem: names without their suffix differ too, for layouts in which a label is named by it.

    >>> taken = set()
    >>> [free_name(name, taken) for name in ("MT_Crack/Imgs/1.jpg", "images/a.jpg", "A.jpg")]
    ['MT_Crack/Imgs/1.jpg', 'a.jpg', 'A-2.jpg']
    >>> taken = set()
    >>> [free_name(name, taken, flat=True, by_stem=True) for name in ("coil/1.jpg", "coil/1.png")]
    ['coil_1.jpg', 'coil_1-2.png']
    """
    parts = PurePosixPath(made_plain(image_id).replace("\\", "_")).parts  # a label file may take it for a folder
    while len(parts) > 1 and parts[0].lower() == "images":
        parts = parts[1:]
    path = name = PurePosixPath("_".join(parts)) if flat else PurePosixPath(*parts)
    number = 1
    while _key(name, by_stem) in taken:
        number += 1
        name = path.with_name(f"{path.stem}-{number}{path.suffix}")
    taken.add(_key(name, by_stem))
    return str(name)


def _key(name: PurePosixPath, by_stem: bool) -> str:
    return str(name.with_suffix("") if by_stem else name).casefold()
