"""The small run's inspector: all folds, in fp32."""

import pytest
import torch
from helpers.made_once import made_once
from helpers.small_run import small_run

from steelsight.export.export import Exported, export_run
from steelsight.run.run import Run


def exported_once(factory: pytest.TempPathFactory) -> Exported:
    """Made once; not to be changed. On one thread: other work on the machine does not slow down networks this small."""
    run, threads = Run(small_run(factory)), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return made_once(factory, "inspector", lambda folder: export_run(run, folder))
    finally:
        torch.set_num_threads(threads)
