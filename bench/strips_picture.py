"""The pictures of docs/strips.md: `python bench/strips_picture.py docs/images/strips.png`.

Each row is one strip: as its file shows it, and beside it the truth, a colour for each class.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from machine import print_machine
from numpy.typing import NDArray

from steelsight.strips import Strip, draw_strip

SEED = 71
COLOURS = ((60, 60, 255), (60, 220, 60), (255, 140, 60), (0, 220, 255))
"""Blue, green and red of the classes 1 to 4."""
SHOWN = (480, 77)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the PNG file to write")
    given = parser.parse_args()
    wanted: dict[tuple[int, ...], int] = {(): 5, (1,): 1, (2,): 1, (3,): 3, (4,): 2}
    rows = []
    for index in range(2000):
        strip = draw_strip(SEED, index, strips_per_coil=1)
        shown = tuple(int(number) for number in np.unique(strip.truth) if number)
        if wanted.get(shown):
            wanted[shown] -= 1
            rows.append(np.hstack([small(strip.image), small(outlined(strip))]))
        if not any(wanted.values()):
            break
    cv2.imwrite(str(given.out), np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def outlined(strip: Strip) -> NDArray[np.uint8]:
    picture = cv2.cvtColor(strip.image, cv2.COLOR_GRAY2BGR)
    for number, colour in enumerate(COLOURS, start=1):
        outlines, _ = cv2.findContours(
            (strip.truth == number).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(picture, outlines, -1, colour, 3)
    return np.asarray(picture, np.uint8)


def small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    resized = cv2.resize(image, SHOWN, interpolation=cv2.INTER_AREA)
    coloured = resized if resized.ndim == 3 else cv2.cvtColor(resized, cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.copyMakeBorder(coloured, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(255, 255, 255)), np.uint8)


if __name__ == "__main__":
    print_machine()
    main()
