"""Both sides in one process, in turns, so that what slows the machine slows both."""

import statistics
import time
from collections.abc import Callable, Mapping


def in_turns(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each side by round; every round runs all sides, every other one backwards."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
            started = time.perf_counter()
            sides[name]()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def median_ratio(seconds: Mapping[str, list[float]], slow: str, fast: str) -> str:
    """How many times faster `fast` is: the median of the rounds, and their range."""
    ratios = [a / b for a, b in zip(seconds[slow], seconds[fast], strict=True)]
    middle = statistics.median(ratios)
    return f"{middle:.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"


def print_table(headings: list[str], rows: list[list[str]]) -> None:
    """Prints a table in Markdown, as the pages of the site have it."""
    for row in (headings, ["---"] * len(headings), *rows):
        print("| " + " | ".join(row) + " |")
