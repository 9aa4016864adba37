"""The time of each stage of an inspection, for bench/inspection.py."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from steelsight.cascade.masks import CombinedMaps, cut
from steelsight.cascade.sources import Source
from steelsight.cascade.suspect import suspect
from steelsight.imaging.combine import to_8bit
from steelsight.imaging.read import read_image
from steelsight.inspector.inspector import Inspector
from steelsight.rule.rule import Rule

_IMAGES = 16


def print_stages(inspector: Inspector, sources: Sequence[Source], rule: Rule) -> None:
    """Milliseconds of each stage for one image, one after another on one thread."""
    single = dataclasses.replace(inspector, threads=1, _engines={})
    engine = single.engine("latency")
    totals: dict[str, float] = {}
    for source in sources[:_IMAGES]:
        image = _add(totals, "read and decode", partial(read_image, source.path, grey=True))
        _add(totals, "unusual?", partial(inspector.card.familiar.flags, image))
        maps = []
        for step, networks in (("classify", engine.classifiers), ("segment", engine.segmenters)):
            for network in networks:
                inputs = _add(totals, f"{step}: input", partial(network.preprocess.to_input, image))[None]
                said = _add(totals, f"{step}: network", partial(network.probabilities, inputs))
                if step == "segment":
                    maps.append(_add(totals, "segment: to 8 bit", partial(to_8bit, said[0])))
        combined = CombinedMaps(image, maps, engine)
        runs, _ = _add(totals, "masks, regions, run lengths", partial(cut, combined, 1.0, rule))
        _add(totals, "what is suspected", partial(suspect, combined, runs, rule))
    print("\nms an image, one thread, fp32")
    for name, seconds in totals.items():
        print(f"  {name:28}{seconds / min(_IMAGES, len(sources)) * 1e3:8.2f}")


def _add(totals: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    result = work()
    totals[name] = totals.get(name, 0.0) + time.perf_counter() - started
    return result
