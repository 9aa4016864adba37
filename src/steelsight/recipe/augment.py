"""The fields of random augmentation."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from steelsight.recipe.base import Fields, Probability

Factor = Annotated[float, Field(ge=0, le=1000)]


def _ascending(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError("the first of the two must not exceed the second")
    return pair


FactorRange = Annotated[tuple[Factor, Factor], AfterValidator(_ascending)]


class Scales(Fields):
    """A range of factors of size, drawn from evenly."""

    smallest: float = Field(gt=0, le=2)
    largest: float = Field(gt=0, le=2)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError("smallest must not exceed largest")
        return self


class Zoom(Scales):
    """Zoom out to `smallest`..`largest` of the size at a random place on black."""

    probability: Probability
    smallest: float = Field(gt=0, le=1)
    largest: float = Field(gt=0, le=1)


class ZoomIn(Zoom):
    """Zoom in: around defects `margin_least`..`margin_most` of the margins is cut off, then to the image's aspect; where
    there is no defect, a random window of `smallest`..`largest`. Drawn only where no zoom out was.

    Attributes:
        margins: `each` margin has a factor of its own, or all four have `one`.
        aspect: `widen` the shorter side, so that no defect is cut; or `cut` the longer one at a random corner, as the
            reference does, which may cut a defect.
    """

    margin_least: Probability
    margin_most: Probability
    margins: Literal["each", "one"] = "each"
    aspect: Literal["widen", "cut"] = "widen"

    @model_validator(mode="after")
    def _margins_ordered(self) -> Self:
        if self.margin_least > self.margin_most:
            raise ValueError("margin_least must not exceed margin_most")
        return self


class Crop(Scales):
    """Train on windows of the working size in place of whole images: more images for the same time. To a classifier a window
    is defective when it shows a defect, so that the same piece of steel is seen as both, and its background tells nothing.

    Attributes:
        pixels: of a window, as square as the working size allows, sides multiples of 32.
        on_defect: probability that the window of a defective image holds a pixel of it, drawn among its defects.
        smallest, largest: the window covers this factor of its size before it is resized to it.
    """

    pixels: int = Field(ge=32 * 32)
    on_defect: Probability

    def window(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the windows of a working size.

        >>> crop = Crop(pixels=36864, on_defect=0.5, smallest=1.0, largest=1.0)
        >>> crop.window(128, 800), crop.window(320, 256), crop.window(64, 64)
        ((128, 288), (192, 192), (64, 64))
        """
        tall = min(height, self.pixels**0.5)
        wide = min(width, self.pixels / tall)
        tall = min(height, self.pixels / wide)
        return max(32, round(tall / 32) * 32), max(32, round(wide / 32) * 32)


class Paste(Fields):
    """Lay defects of other training images onto good ones, see `steelsight.training.paste`.

    Attributes:
        probability: that a good image gets one.
    """

    probability: Probability


class Augment(Fields):
    """Random augmentation, in training only; brightness is a shift, the other colour figures are factors. What is left
    out is not done.

    Attributes:
        zoom_at: windows are cut from the full `image`, one step from there to the working size, which is sharper; or from the
            image at its `working` size, as in the reference.
        recolour: brightness and contrast act on the `image` alone, before it is laid on black, and are clipped to [0, 1]; or
            on the `input` as a whole, its black border included, and nothing is clipped, as in the reference.
    """

    horizontal_flip: Probability
    vertical_flip: Probability
    zoom_out: Zoom | None = None
    zoom_in: ZoomIn | None = None
    crop: Crop | None = None
    paste: Paste | None = None
    brightness: float = Field(ge=0, le=1)
    contrast: FactorRange
    hue: float = Field(ge=0, le=0.5)
    saturation: FactorRange
    zoom_at: Literal["image", "working"] = "image"
    recolour: Literal["image", "input"] = "image"

    @model_validator(mode="after")
    def _one_kind_of_zoom(self) -> Self:
        if self.crop and (self.zoom_in or self.zoom_out):
            raise ValueError(
                "crop takes the place of zoom_in and zoom_out: its window has a scale of its own; leave them out"
            )
        if self.crop and self.zoom_at == "working":
            raise ValueError("crop cuts its windows from the image; zoom_at working is for the zooms alone")
        if self.paste and self.zoom_at == "working":
            raise ValueError("paste lays defects on the image; zoom_at working has it at its working size alone")
        return self
