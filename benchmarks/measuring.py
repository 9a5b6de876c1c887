"""Both sides in one process, in turns, so that what slows the machine slows both."""

import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass
class Timing:
    """Seconds of one side, round by round.

    Attributes:
        wall: What a clock shows. On a shared machine it jumps.
        processor: What all cores together spent on it. It hardly jumps.
    """

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


def in_turns(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Times each side; every round runs all of them, every other one backwards."""
    timings = {name: Timing() for name in sides}
    for turn in range(rounds):
        for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
            wall, processor = time.perf_counter(), time.process_time()
            sides[name]()
            timings[name].wall.append(time.perf_counter() - wall)
            timings[name].processor.append(time.process_time() - processor)
    return timings


def ratio(slow: list[float], fast: list[float]) -> str:
    """How many times faster `fast` is: the median of the rounds, and their range."""
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"


def beside_the_first(timings: Mapping[str, Timing], calls: int = 1) -> list[list[str]]:
    """Rows of a table: each side's milliseconds for one of its calls, and how much faster it is."""
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
    """Prints a table in Markdown, as the pages of the site have it."""
    for row in (headings, ["---"] * len(headings), *rows):
        print("| " + " | ".join(row) + " |")


def peak_memory(work: Callable[[], object]) -> float:
    """The most memory that a process of its own held while it did some work, in MiB.

    Args:
        work: A function of a module; it runs in a new process, which imports what it needs.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_do_and_weigh, (work,))


def _do_and_weigh(work: Callable[[], object]) -> float:
    work()
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / 2**20 if sys.platform == "darwin" else held / 2**10
