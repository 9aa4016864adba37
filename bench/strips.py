"""How fast strips are drawn: `python bench/strips.py [--images 60] [--line 1]`.

Strips of 1600 x 256 per second of one core's time (processor seconds, so that other programs do not count), drawn and encoded
as JPEG, and the ratio to the limit of 20.
"""

import argparse
import time

import cv2
from machine import print_machine

from steelsight.strips.draw import draw_strip
from steelsight.strips.labels import exact

LIMIT = 20.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--line", type=int, default=1)
    wish = parser.parse_args()
    cv2.setNumThreads(1)
    draw_strip(1, 0)  # what is made once
    drawing = encoding = 0.0
    for index in range(wish.images):
        began = time.process_time()
        strip = draw_strip(1, index, strips_per_coil=1, line=wish.line)
        drawn = time.process_time()
        cv2.imencode(".jpg", strip.image, [cv2.IMWRITE_JPEG_QUALITY, 90])
        exact(strip.truth)
        drawing += drawn - began
        encoding += time.process_time() - drawn
    rate = wish.images / (drawing + encoding)
    print(f"drawing {drawing / wish.images * 1000:.1f} ms, JPEG and run lengths {encoding / wish.images * 1000:.1f} ms")
    print(f"{rate:.1f} strips per processor second; {rate / LIMIT:.2f} times the limit of {LIMIT:.0f}")


if __name__ == "__main__":
    print_machine()
    main()
