"""The fields of a recipe: every hyperparameter has a name, a type, a range and a meaning here."""

from typing import Annotated, Literal, Self, get_args

from pydantic import ConfigDict, Field, model_validator

from steelsight.imaging.combine import Combine
from steelsight.imaging.preprocess import LONGEST_SIDE, Preprocess
from steelsight.recipe.augment import Augment
from steelsight.recipe.base import Fields, Probability
from steelsight.recipe.stated_rule import StatedRule

_MOST = 1_000_000  # epochs, or images of a batch
_LARGEST = 1_000.0
"""Of rates, weights and factors: far above what trains anything, far below what single precision cannot hold."""
_LEAST_DEVIATION = 1e-4
"""A tenth of a grey value of 10 bits; divided by less, no network's input is of use."""

Step = Literal["classify", "segment"]
Weight = Annotated[float, Field(ge=0, le=_LARGEST)]
Channels = Annotated[int, Field(ge=1, le=4096)]
Softness = Annotated[float, Field(gt=1, allow_inf_nan=False)]
Decoder = Literal["unetplusplus", "unetplusplus-reference", "unetplusplus-nominal", "fpn"]
LastLayer = Literal["small", "glorot"]
"""How the weights of a classifier's last layer start."""
Encoder = Literal["b0", "b1", "b2", "b3", "b4", "b5", "lite0", "lite1", "lite2"]


class Input(Fields):
    """How an image becomes the member's input.

    Attributes:
        height, width: working size, multiples of 32; or leave both out and give `pixels`.
        pixels: a budget; the working size is then the median image's shape, no larger than the image and the budget but for
            rounding to multiples of 32.
        fit: `stretch`, or `pad` (aspect kept, black margins).
        colour: `auto` takes grey where the images are grey.
        mean, deviation: of the normalisation, on the [0, 1] scale.
        bits: of the camera whose values 16-bit images hold, so that 2^bits - 1 is white; if left out, the fewest of 8, 10,
            12, 14 and 16 that hold the largest value of all images.
    """

    height: int | None = Field(default=None, ge=32, le=LONGEST_SIDE, multiple_of=32)
    width: int | None = Field(default=None, ge=32, le=LONGEST_SIDE, multiple_of=32)
    pixels: int | None = Field(default=None, ge=32 * 32, le=LONGEST_SIDE**2)
    fit: Literal["stretch", "pad"] = "stretch"
    colour: Literal["auto", "grey", "rgb"] = "rgb"
    mean: Probability = 0.0
    deviation: float = Field(default=1.0, ge=_LEAST_DEVIATION, le=_LARGEST)
    bits: int | None = Field(default=None, ge=8, le=16)

    @model_validator(mode="after")
    def _size_or_budget(self) -> Self:
        if (self.height is None) != (self.width is None) or (self.height is None and self.pixels is None):
            raise ValueError("give height and width, or pixels")
        return self

    @property
    def is_resolved(self) -> bool:
        """Whether nothing is left to the images (see `resolve`)."""
        return self.height is not None and self.colour != "auto"


class Repeat(Fields):
    """Images with a class are seen `times` times an epoch, with `probability`; the first rule that fits an image counts."""

    model_config = ConfigDict(coerce_numbers_to_str=True)  # class: 2 means the class "2"

    class_: str = Field(alias="class")
    times: int = Field(ge=1, le=10_000)
    probability: Probability = 1.0


class Sampling(Fields):
    """Which images an epoch holds.

    Attributes:
        batch: images per optimiser step, over all devices.
        device_batch: images per forward pass of one device; its loss pools just these. Gradients are added up to `batch`.
        repeat: oversampling rules, or `balanced` (each image as often as the root of its rarest class's rarity, at most 4).
        validation_batch: images of a batch of the epoch's validation, over which its batch Dice is; None: `device_batch`.
        defect_free_share: share of the defect-free images, drawn anew each epoch, in training.
        defect_free_in_validation: whether the epoch's validation holds them; evidence always does.
        steps_factor: steps per epoch, in units of the distinct images of an epoch / batch.
        least_steps: of an epoch, for small data.
    """

    batch: int = Field(ge=1, le=_MOST)
    device_batch: int = Field(ge=1, le=_MOST)
    validation_batch: int | None = Field(default=None, ge=1, le=_MOST)
    repeat: Literal["balanced"] | tuple[Repeat, ...]
    defect_free_share: Probability
    defect_free_in_validation: bool
    steps_factor: float = Field(gt=0, le=_LARGEST)
    least_steps: int = Field(default=1, ge=1, le=_MOST)

    @model_validator(mode="after")
    def _batches_divide(self) -> Self:
        if self.batch % min(self.device_batch, self.batch):
            raise ValueError(f"batch {self.batch} must be a multiple of device_batch {self.device_batch}")
        return self

    @property
    def pass_batch(self) -> int:
        """Images of a forward pass in training."""
        return min(self.device_batch, self.batch)

    def shares_out(self, devices: int) -> bool:
        """Whether so many devices can share a batch evenly."""
        return self.batch % (self.pass_batch * devices) == 0


class Loss(Fields):
    """A weighted sum of terms; a weight of 0 leaves a term out.

    Attributes:
        cross_entropy: weight of binary cross-entropy, mean over pixels (over images in step classify).
        focal: weight of the binary focal loss (Lin et al. 2017), with `focal_alpha` and `focal_gamma`.
        dice: for step segment: weight of 1 - soft Dice, with `dice_smooth` added to numerator and denominator.
        dice_over: what one Dice pools: the device's whole `batch`, each `class` over the batch, or each `pair` (image,
            class) that has a defect.
        label_smoothing: targets become t (1 - s) + s / 2 in the cross-entropy.
        cells: for head `cells`: weight of cross-entropy + (1 - Dice per class) between its cells and the masks.
    """

    cross_entropy: Weight = 0.0
    focal: Weight = 0.0
    focal_alpha: Probability = 0.25
    focal_gamma: Weight = 2.0
    dice: Weight = 0.0
    dice_over: Literal["batch", "class", "pair"] = "batch"
    dice_smooth: float = Field(default=1.0, gt=0, le=_MOST)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    cells: Weight = 0.0

    @model_validator(mode="after")
    def _has_a_term(self) -> Self:
        if not (self.cross_entropy or self.focal or self.dice):
            raise ValueError("at least one of cross_entropy, focal, dice must have a weight above 0")
        return self


class Optimiser(Fields):
    name: Literal["adam", "adamw", "nadam", "radam"]
    weight_decay: Weight = 0.0
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    epsilon: float = Field(default=1e-8, gt=0, le=_LARGEST)


class Schedule(Fields):
    """Learning rate by epoch e: `ramp` epochs from `start` to `maximum`, `hold` there, then
    (maximum - minimum) * decay^(e - ramp - hold) + minimum; e counts from `first_epoch`."""

    start: float = Field(gt=0, le=_LARGEST)
    maximum: float = Field(gt=0, le=_LARGEST)
    minimum: Weight
    ramp: int = Field(ge=0, le=_MOST)
    hold: int = Field(ge=0, le=_MOST)
    decay: float = Field(gt=0, le=1)
    first_epoch: int = Field(default=0, ge=0, le=_MOST)


class Phase(Fields):
    """Epochs under one loss, one fresh optimiser, one schedule."""

    name: str | None = Field(
        default=None, pattern=r"^[a-z][a-z0-9-]*$", description="by which an override finds it, beside its number"
    )
    epochs: int = Field(ge=1, le=_MOST)
    loss: Loss
    optimiser: Optimiser
    schedule: Schedule


class KeepWeights(Fields):
    """Which weights a job ends with: the `best` epoch on its fold (its evidence is then epoch-selected), or the plain
    `average` of its last epochs, which looks at nothing."""

    weights: Literal["best", "average"]
    last: int = Field(default=1, ge=1, description="epochs that the average covers")


class Member(Fields):
    """One named network: trained once per fold."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    step: Step
    group: str | None = Field(default=None, description="by which selection names several members")
    encoder: Encoder
    weights: str = Field(default="imagenet", description="imagenet, random, or an earlier segmenter's name")
    head: Literal["pooled", "cells"] = "pooled"
    decoder: Decoder | None = None
    decoder_channels: tuple[Channels, ...] | None = None
    exclusive: bool = Field(default=False, description="a pixel has one class or none: softmax in place of sigmoids")
    dropout: float = Field(default=0.0, ge=0, lt=1)
    drop_path: float = Field(default=0.0, ge=0, lt=1)
    norm_momentum: float = Field(default=0.1, gt=0, le=1, description="a batch's share in the running statistics")
    last_layer: LastLayer = Field(default="small", description="how a pooled classifier's last weights start")
    prior: float = Field(default=0.5, gt=0, lt=1, description="probability that the fresh network gives everywhere")
    input: Input
    augment: Augment
    sampling: Sampling
    phases: tuple[Phase, ...] = Field(min_length=1)
    keep: KeepWeights
    validate_every: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _decoder_fits_step(self) -> Self:
        if (self.step == "segment") != (self.decoder is not None):
            raise ValueError(f"step segment needs a decoder ({', '.join(get_args(Decoder))}), step classify has none")
        if self.last_layer != "small" and (self.step == "segment" or self.head != "pooled"):
            raise ValueError("last_layer is about the last layer of a classifier with head pooled")
        if self.step == "segment" and self.dropout:
            raise ValueError("dropout is the classifier's, before its last layer; step segment has drop_path alone")
        if self.step == "classify" and self.exclusive:
            raise ValueError("exclusive is about the classes of a pixel; step classify has none")
        if self.step == "segment" and self.head != "pooled":
            raise ValueError("head is the classifier's; step segment has a decoder")
        if self.step == "classify" and any(phase.loss.dice for phase in self.phases):
            raise ValueError("loss.dice is about masks; step classify has none (head cells has loss.cells)")
        if self.head != "cells" and any(phase.loss.cells for phase in self.phases):
            raise ValueError("loss.cells needs head cells, whose cells it is about")
        if self.head != "cells" and self.starts_from:
            raise ValueError(
                f"weights {self.weights!r}: imagenet or random; only head cells starts from another member"
            )
        is_unet = self.decoder is not None and self.decoder != "fpn"
        if is_unet and self.decoder_channels is not None and len(self.decoder_channels) != 5:
            raise ValueError(f"decoder_channels of {self.decoder} are five numbers, deepest first")
        if self.decoder == "fpn" and self.decoder_channels is not None and len(self.decoder_channels) != 2:
            raise ValueError("decoder_channels of fpn are two numbers: pyramid, segmentation")
        if self.decoder == "fpn" and self.decoder_channels and self.decoder_channels[1] % 32:
            raise ValueError("the second of fpn's decoder_channels is normalised in 32 groups: a multiple of 32")
        if self.keep.last > self.epochs:
            raise ValueError(f"keep.last {self.keep.last} exceeds the {self.epochs} epochs")
        if self.keep.weights == "best" and self.validate_every != 1:
            raise ValueError("keep.weights best needs validate_every 1")
        names = [phase.name for phase in self.phases if phase.name]
        if len(set(names)) < len(names):
            raise ValueError("two phases have one name; give each its own, or none")
        return self

    @property
    def starts_from(self) -> str | None:
        """Name of the member whose trained encoder, of the same fold, this one starts from; None: ImageNet's or random."""
        return None if self.weights in ("imagenet", "random") else self.weights

    @property
    def epochs(self) -> int:
        return sum(phase.epochs for phase in self.phases)

    @property
    def preprocess(self) -> Preprocess:
        """How an image reaches this member; only a resolved recipe knows (see `resolve`)."""
        if self.input.height is None or self.input.width is None or self.input.colour == "auto":
            raise ValueError(f"member {self.name}: input is not resolved against images yet")
        return Preprocess(
            height=self.input.height,
            width=self.input.width,
            fit=self.input.fit,
            colour=self.input.colour,
            mean=self.input.mean,
            deviation=self.input.deviation,
            bits=self.input.bits,
        )

    @property
    def training_preprocess(self) -> Preprocess:
        """How a window reaches this member in training; as `preprocess` where the recipe has no `augment.crop`."""
        whole = self.preprocess
        if self.augment.crop is None:
            return whole
        height, width = self.augment.crop.window(whole.height, whole.width)
        return whole.model_copy(update={"height": height, "width": width})


class GroupChoice(Fields):
    """All members of one group, and the best one of another by out-of-fold score."""

    all: str
    best: str | None = None


Chosen = Annotated[int, Field(ge=1)] | GroupChoice


class Selection(Fields):
    """Which members make the ensemble: so many of each step, the best by out-of-fold score, or `GroupChoice`; the best are
    chosen once for `all` folds, or per `fold`.

    Attributes:
        combine: how what the networks say is combined, see `steelsight.imaging.combine`.
    """

    classifiers: Chosen
    segmenters: Chosen
    scope: Literal["all", "fold"] = "all"
    combine: Combine = "mean"


class Search(Fields):
    """Grid of the rule's search.

    Attributes:
        gates: tried.
        area_ratio: from one minimum area to the next.
        softness: of soft gates; without any, only hard gates are tried.
        objective: what the rule is searched for: the mean Dice over every (image, class) pair (`competition`), the Dice of
            the pixels of all images (`pooled`), or the Dice of pairs with a defect (`defects`).
        max_false_alarms: of `defects`: share of the empty pairs in which the rule may mark something.
        upper: least and greatest upper threshold that is tried.
        threshold_step: thresholds that are tried are multiples of it, and both ends of `upper`; 0: all 256 of the maps.
    """

    gates: tuple[Probability, ...] = Field(min_length=1)
    area_ratio: float = Field(default=1.05, ge=1.001)
    softness: tuple[Softness, ...] = (5.0,)
    objective: Literal["competition", "pooled", "defects"] = "competition"
    max_false_alarms: Probability = 0.05
    upper: tuple[Probability, Probability] = (0.0, 1.0)
    threshold_step: float = Field(default=0.0, ge=0, le=0.5)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.upper[0] > self.upper[1]:
            raise ValueError(
                f"search.upper begins with its least value, and {self.upper[0]:g} exceeds {self.upper[1]:g}"
            )
        return self


class Recipe(Fields):
    """What is to be trained.

    Attributes:
        folds: of the cross-validation.
        seed: every random choice derives from it.
        precision: of training; `auto` takes bf16 where the processor or GPU gains from it.
        compile: whether a GPU's training steps are fused by torch's compiler, which takes minutes first; not where there is
            no compiler, and never on a processor.
        devices_per_job: devices that train one job together, its batches shared out (distributed data parallel); fewer where
            fewer are there.
        rule: one to be judged and shown beside those that are searched, and taken by `rule=published`.
        roi: the part of each image that counts: `none` for all of it, `strip` for the strip without the black beside it,
            found in every image, or the file of a mask or of polygons, which the run keeps.
    """

    name: str
    seed: int = Field(ge=0, lt=2**32)
    folds: int = Field(ge=2, le=1000)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    devices_per_job: int = Field(default=1, ge=1)
    members: tuple[Member, ...] = Field(min_length=1)
    selection: Selection
    search: Search
    rule: StatedRule | None = None
    roi: str = "none"

    @property
    def sees_grey(self) -> bool:
        """Whether all members see grey alone, so that images are read so; see `steelsight.imaging.read.read_image`."""
        return all(member.input.colour == "grey" for member in self.members)

    @model_validator(mode="after")
    def _groups_exist(self) -> Self:
        chosen: dict[Step, Chosen] = {"classify": self.selection.classifiers, "segment": self.selection.segmenters}
        for step, choice in chosen.items():
            if isinstance(choice, int):
                continue
            groups = sorted({member.group for member in self.members if member.step == step and member.group})
            for name in (choice.all, choice.best):
                if name is not None and name not in groups:
                    raise ValueError(
                        f"selection names the group {name!r}, and no member of step {step} is in it "
                        f"({', '.join(groups) or 'there is no group'})"
                    )
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [member.name for member in self.members]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two members are named {sorted(twice)[0]!r}")
        if taken := {"imagenet", "random"} & set(names):
            raise ValueError(f"no member may be named {sorted(taken)[0]!r}, which is a word of the field weights")
        return self

    @model_validator(mode="after")
    def _batches_share_out(self) -> Self:
        for member in self.members:
            if not member.sampling.shares_out(self.devices_per_job):
                raise ValueError(
                    f"members.{member.name}.sampling: batch {member.sampling.batch} is no multiple of device_batch "
                    f"{member.sampling.pass_batch} x {self.devices_per_job} devices_per_job"
                )
        return self

    @model_validator(mode="after")
    def _starts_exist(self) -> Self:
        for number, member in enumerate(self.members):
            if member.starts_from is None:
                continue
            fitting = [
                earlier.name
                for earlier in self.members[:number]
                if (earlier.step, earlier.encoder) == ("segment", member.encoder)
            ]
            if member.starts_from not in fitting:
                raise ValueError(
                    f"members.{member.name}.weights {member.weights!r} is neither imagenet, random, nor an earlier segmenter "
                    f"with the same encoder ({', '.join(fitting) or 'there is none'})"
                )
        return self

    def member(self, name: str) -> Member:
        """The member of that name; KeyError where there is none."""
        for member in self.members:
            if member.name == name:
                return member
        raise KeyError(name)
