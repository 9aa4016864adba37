"""A label without an image makes a fault of the images that it may mean, and of no other."""

from pathlib import Path

import pytest

from steelsight.dataset.layouts.orphan_labels import Orphan, unsure_labels

FILE = Path("labels.csv")
IMAGES = ("a/5.JPG", "b/5.jpg", "a/coil 7.png", "plain.jpg")


def meant(name: str, labelled: frozenset[str] = frozenset()) -> list[str]:
    return sorted(str(fault.image_id) for fault in unsure_labels([Orphan(name, FILE, 3)], IMAGES, labelled))


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("a/5.jpeg", ["a/5.JPG"]),  # the folder says which of two it is
        ("5.jpg", ["a/5.JPG", "b/5.jpg"]),
        ("005.png", ["a/5.JPG", "b/5.jpg"]),
        ("coil_007_mask.png", ["a/coil 7.png"]),
        ("6.jpg", []),
        ("plain.jpg", []),  # its image is there: no orphan
    ],
)
def test_images_of_nearly_that_name(name: str, images: list[str]) -> None:
    assert meant(name) == images


def test_an_image_with_a_label_of_its_own_counts_only_where_the_spelling_alone_differs() -> None:
    labelled = frozenset(IMAGES)
    assert meant("coil_007.png", labelled) == []
    assert meant("A/COIL 7.PNG", labelled) == ["a/coil 7.png"]


def test_each_image_has_one_fault_that_says_where_the_label_stands() -> None:
    orphans = [Orphan("a/5.jpeg", FILE, 3), Orphan("A/5.jpeg", FILE, 4)]
    (fault,) = unsure_labels(orphans, IMAGES, frozenset())
    assert (fault.kind, fault.file, fault.line, fault.image_id) == ("unsure-label", FILE, 3, "a/5.JPG")
    assert "'a/5.jpeg' matches no image" in fault.message
