"""Every random choice of training derives from (seed, job, epoch, place), so that a resumed job repeats it exactly."""

import zlib

import numpy as np
import torch


def generator(seed: int, job: str, epoch: int, place: int = -1) -> np.random.Generator:
    """Generator of one choice; `epoch` -1 is before the first, `place` -1 the epoch as a whole.

    >>> bool(generator(0, "a/fold0", 3, 7).random() == generator(0, "a/fold0", 3, 7).random())
    True
    """
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(job.encode()), epoch + 1, place + 1]))


def seed_torch(seed: int, job: str, epoch: int, rank: int = 0) -> None:
    """Seed torch's own generators (dropout, drop path, new weights) for one epoch of a job on one device."""
    torch.manual_seed(int(generator(seed, job, epoch).integers(2**62)) + rank)
