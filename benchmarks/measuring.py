"""Times functions in turns in one process, so that a slow phase affects all of them."""

import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass
class Timing:
    """Seconds of one side, per round.

    Attributes:
        wall: Elapsed time. It varies on a shared machine.
        processor: CPU time of all cores. It varies less.
    """

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


def in_turns(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Times all sides in each round, in reversed order in every other round."""
    timings = {name: Timing() for name in sides}
    for turn in range(rounds):
        for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
            wall, processor = time.perf_counter(), time.process_time()
            sides[name]()
            timings[name].wall.append(time.perf_counter() - wall)
            timings[name].processor.append(time.process_time() - processor)
    return timings


def ratio(slow: list[float], fast: list[float]) -> str:
    """Formats how many times faster `fast` is: the median over the rounds, and the range."""
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"


def beside_the_first(timings: Mapping[str, Timing], calls: int = 1) -> list[list[str]]:
    """Returns table rows: milliseconds per call, and the ratios to the first side."""
    reference = next(iter(timings.values()))
    return [
        [
            name,
            f"{1000 * statistics.median(timing.wall) / calls:.1f} ms",
            ratio(reference.wall, timing.wall),
            ratio(reference.processor, timing.processor),
        ]
        for name, timing in timings.items()
    ]


def print_table(headings: list[str], rows: list[list[str]]) -> None:
    """Prints a Markdown table."""
    for row in (headings, ["---"] * len(headings), *rows):
        print("| " + " | ".join(row) + " |")


def peak_memory(work: Callable[[], object]) -> float:
    """Returns the peak memory of a new process that runs `work`, in MiB.

    Args:
        work: A function that can be pickled.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_do_and_weigh, (work,))


def _do_and_weigh(work: Callable[[], object]) -> float:
    work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
