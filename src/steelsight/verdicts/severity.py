"""Rules on what was found: class, area, extent, count and position of the defects."""

from collections.abc import Iterator, Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import (
    BaseModel,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from steelsight.core.errors import UserError, nearest
from steelsight.core.model import Model, keys_of
from steelsight.imaging.regions import Region
from steelsight.verdicts.severity_file import explain_severity, parse
from steelsight.verdicts.units import AreaQuantity, Length, MmPerPixel, Quantity, Ruler

VerdictAnswer = Literal["pass", "review", "reject"]
"""An image goes on, a person looks at it, or it is taken out."""


class SeverityRule(Model):
    """A verdict for images with certain defects.

    A defect matches if it meets every condition on a single defect (class, area, length, width, distance from the edge).
    The rule fires if at least one defect matches, or enough to exceed `more_than` and `total_area_above`.

    Attributes:
        verdict: `review` or `reject`.
        defect_class: `class` in the file; of which class.
        area_above: of one defect.
        longer_than: extent along the strip, of the box around a defect.
        wider_than: extent across the strip.
        nearer_to_edge_than: distance of the box from the nearer long edge of the strip, the image's top or bottom.
        more_than: how many there must be more than, `per` image (a whole number) or per metre of strip.
        total_area_above: of all of them in the image together.
    """

    verdict: Literal["review", "reject"]
    defect_class: str | None = Field(default=None, alias="class")
    area_above: AreaQuantity | None = None
    longer_than: Length | None = None
    wider_than: Length | None = None
    nearer_to_edge_than: Length | None = None
    more_than: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    per: Literal["image", "metre"] | None = None
    total_area_above: AreaQuantity | None = None

    @model_validator(mode="before")
    @classmethod
    def _class_as_text(cls, given: Any) -> Any:
        """`class: 4` is the class named 4."""
        whole = isinstance(given, dict) and type(given.get("class")) is int
        return given | {"class": str(given["class"])} if whole else given

    @model_validator(mode="after")
    def _has_conditions(self) -> Self:
        if self.per is not None and self.more_than is None:
            raise ValueError("`per` says what `more_than` counts; give both, or neither")
        if self.more_than is not None and self.per != "metre" and self.more_than != int(self.more_than):
            raise ValueError("`more_than` counts the defects of an image; give a whole number, or `per: metre`")
        if self.defect_class is None and not self.quantities and self.more_than is None:
            raise ValueError("the rule has no condition; give at least one, or `more_than: 0` for any defect")
        return self

    @model_serializer(mode="wrap")
    def _as_in_the_file(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written = {"class" if name == "defect_class" else name: value for name, value in write(self).items()}
        return {name: value for name, value in written.items() if value is not None}

    @property
    def quantities(self) -> dict[str, Quantity]:
        """Conditions with a unit, by name."""
        names = ("area_above", "longer_than", "wider_than", "nearer_to_edge_than", "total_area_above")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @property
    def conditions(self) -> tuple[object, ...]:
        """Equal for rules that fire for the same images."""
        same = tuple((name, quantity.same) for name, quantity in self.quantities.items())
        counted = (self.more_than, self.per or "image") if self.more_than else None
        return self.defect_class, same, counted

    @property
    def text(self) -> str:
        """The rule in words.

        >>> SeverityRule.model_validate({"verdict": "reject", "class": "1", "more_than": 5, "per": "metre"}).text
        'reject: more than 5 defects of class 1 per metre'
        """
        words = {"area_above": "an area", "longer_than": "a length", "wider_than": "a width"}
        words |= {"nearer_to_edge_than": "a distance from the edge"}
        details = [
            f"{words[name]} {'below' if name.startswith('nearer') else 'above'} {quantity.shown}"
            for name, quantity in self.quantities.items()
            if name in words
        ]
        many = "" if self.more_than is None else f"more than {Quantity(self.more_than, '').shown} "
        what = f"{many}defects" if many or self.total_area_above else "a defect"
        of_class = f" of class {self.defect_class}" if self.defect_class is not None else ""
        details_text = f" with {' and '.join(details)}" if details else ""
        total = f", together above {self.total_area_above.shown}" if self.total_area_above else ""
        per = " per metre" if self.per == "metre" else ""
        return f"{self.verdict}: {what}{of_class}{details_text}{per}{total}"

    @property
    def needs_scale(self) -> bool:
        """Whether millimetres per pixel must be known."""
        return self.per == "metre" or any(quantity.needs_scale for quantity in self.quantities.values())


class Severity(Model):
    """Severity rules.

    Attributes:
        mm_per_pixel: size of a pixel; needed if a rule is in millimetres or per metre.
        rules: alternatives; numbered from 1 in every message.
    """

    mm_per_pixel: MmPerPixel | None = None
    rules: tuple[SeverityRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for number, rule in enumerate(self.rules, start=1):
            if rule.needs_scale and self.mm_per_pixel is None:
                raise ValueError(f"rule {number} is in millimetres or per metre; give mm_per_pixel")
            for earlier, other in enumerate(self.rules[: number - 1], start=1):
                if rule.conditions == other.conditions:
                    raise ValueError(f"rules {earlier} and {number} fire for the same images; leave one of them out")
        return self

    def check_classes(self, classes: Sequence[str]) -> None:
        """Raise ValueError if a rule names an unknown class."""
        for number, rule in enumerate(self.rules, start=1):
            if rule.defect_class is not None and rule.defect_class not in classes:
                raise ValueError(
                    f"rule {number}: class: {rule.defect_class!r} is no class of the data; "
                    f"{nearest(rule.defect_class, classes)}"
                )


class Fires(NamedTuple):
    """A rule that fires for an image: its verdict, `review` or `reject`, and the rule with what was found."""

    answer: VerdictAnswer
    reason: str


def read_severity(path: Path, classes: Sequence[str]) -> Severity:
    """Read severity rules from a YAML file.

    Args:
        classes: defect class names.

    Raises:
        UserError: no such file, not YAML, a wrong key or value, a rule without condition or twice, an unknown class, or
            millimetres without mm_per_pixel.
    """
    content = parse(path)
    try:
        severity = Severity.model_validate(content)
    except ValidationError as error:
        models: dict[str, type[BaseModel]] = {"": Severity, "rules": SeverityRule, "mm_per_pixel": MmPerPixel}
        keys = {part: keys_of(model) for part, model in models.items()}
        raise UserError(explain_severity(error, path, keys)) from error
    try:
        severity.check_classes(classes)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
    return severity


def judge_severity(
    severity: Severity,
    classes: Sequence[str],
    regions: Sequence[Region],
    size: tuple[int, int],
    counted: int | None = None,
) -> Fires | None:
    """The gravest rule that fires for an image, the first of equals; None if no rule fires.

    Args:
        classes: defect class names.
        regions: what was found in the image.
        size: its height and width in pixels.
        counted: its pixels that count; None: all.

    >>> severity = Severity.model_validate({"rules": [{"verdict": "reject", "class": "4"}]})
    >>> judge_severity(severity, ("3", "4"), [Region(1, 0, 0, 5, 5, 20, 0.9)], (256, 1600))
    Fires(answer='reject', reason='1 defect of class 4 (rule 1)')
    """
    ruler = Ruler(size, severity.mm_per_pixel, counted)
    graver = sorted(enumerate(severity.rules, start=1), key=lambda one: one[1].verdict != "reject")
    for number, rule in graver:
        found = _meant(rule, classes, regions, ruler)
        if found and _are_enough(rule, found, ruler):
            return Fires(rule.verdict, f"{_what_was_found(rule, classes, found, ruler)} (rule {number})")
    return None


def _meant(rule: SeverityRule, classes: Sequence[str], regions: Sequence[Region], ruler: Ruler) -> list[Region]:
    """The regions that meet every condition on a defect; limits are brought to whole pixels once, which keeps them exact."""
    found = list(regions)
    if rule.defect_class is not None:
        found = [region for region in found if classes[region.class_index] == rule.defect_class]
    if found and (limit := rule.area_above) is not None:
        most = floor(limit.exact / ruler.area(1, limit.unit))
        found = [region for region in found if region.area > most]
    if found and (limit := rule.longer_than) is not None:
        most = floor(limit.exact / ruler.along(1, limit.unit))
        found = [region for region in found if region.width > most]
    if found and (limit := rule.wider_than) is not None:
        most = floor(limit.exact / ruler.across(1, limit.unit))
        found = [region for region in found if region.height > most]
    if found and (limit := rule.nearer_to_edge_than) is not None:
        least = ceil(limit.exact / ruler.across(1, limit.unit))
        found = [region for region in found if _from_edge(region, ruler) < least]
    return found


def _are_enough(rule: SeverityRule, found: Sequence[Region], ruler: Ruler) -> bool:
    total = rule.total_area_above
    if total is not None and ruler.area(sum(region.area for region in found), total.unit) <= total.exact:
        return False
    if rule.more_than is None:
        return True
    limit = Quantity(rule.more_than, "").exact
    return len(found) > (limit * ruler.metres if rule.per == "metre" else limit)


def _from_edge(region: Region, ruler: Ruler) -> int:
    return min(region.top, ruler.size[0] - region.top - region.height)


def _what_was_found(rule: SeverityRule, classes: Sequence[str], found: Sequence[Region], ruler: Ruler) -> str:
    largest = max(found, key=lambda region: region.area)
    details = list(_details(rule, largest, ruler))
    several = len(found) > 1
    of_class = f" of class {classes[largest.class_index]}"
    words = f"{len(found)} defect{'s' if several else ''}"
    if rule.defect_class is not None or not several:
        words += of_class
    if details:
        which = f", the largest{'' if rule.defect_class else of_class}" if several else ""
        words += f"{which} with {' and '.join(details)}"
    return ", ".join([words, *_amounts(rule, found, ruler)])


def _details(rule: SeverityRule, region: Region, ruler: Ruler) -> Iterator[str]:
    """What makes one defect meet the rule's conditions."""
    if (limit := rule.area_above) is not None:
        yield f"an area of {limit.beside(ruler.area(region.area, limit.unit))}, above {limit.shown}"
    if (limit := rule.longer_than) is not None:
        yield f"a length of {limit.beside(ruler.along(region.width, limit.unit))}, above {limit.shown}"
    if (limit := rule.wider_than) is not None:
        yield f"a width of {limit.beside(ruler.across(region.height, limit.unit))}, above {limit.shown}"
    if (limit := rule.nearer_to_edge_than) is not None:
        distance = limit.beside(ruler.across(_from_edge(region, ruler), limit.unit))
        yield f"a distance of {distance} from the edge, below {limit.shown}"


def _amounts(rule: SeverityRule, found: Sequence[Region], ruler: Ruler) -> Iterator[str]:
    """What makes all of them together meet the rule's conditions."""
    if rule.more_than is not None:
        limit = Quantity(rule.more_than, "")
        if rule.per == "metre":
            yield f"{limit.beside(len(found) / ruler.metres)} per metre, more than {limit.shown}"
        else:
            yield f"more than {limit.shown}"
    if (total := rule.total_area_above) is not None:
        area = ruler.area(sum(region.area for region in found), total.unit)
        yield f"together {total.beside(area)}, above {total.shown}"
