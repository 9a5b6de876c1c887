"""Time and memory to match the hashes of many nearly identical, or of many different images.

    python -m benchmarks.static_camera [--frames 1000 10000] [--images 20000 100000]

Frames are a synthetic image of changing brightness with noise, at two levels of it. With the higher
one, many hashes are different and some frames are not similar enough to any other: each of these is
compared with all. Images have random hashes and pixels. The time does not include the decoding. The
added memory is the peak minus the memory with all signatures.
"""

import argparse
import resource
import time

import numpy as np
from PIL import Image

from benchmarks.measuring import print_table
from catdog_keras.datasets._match_signatures import match_signatures
from catdog_keras.datasets._perceptual_hash import Signature, signature_of
from catdog_keras.datasets.synthetic import draw_image

NOISE = (10, 30)  # standard deviation in levels
SIZE = (100, 75)


def film(count: int, noise: int, generator: np.random.Generator) -> list[Signature]:
    """Returns the signatures of frames of a static camera."""
    scene = np.asarray(draw_image("cat", 3).convert("L").resize(SIZE), np.float32)
    signatures = []
    for _ in range(count):
        frame = scene * generator.uniform(0.8, 1.1) + generator.normal(0, noise, scene.shape)
        signatures.append(signature_of(Image.fromarray(np.clip(frame, 0, 255).astype(np.uint8))))
    return signatures


def different(count: int, generator: np.random.Generator) -> list[Signature]:
    """Returns the signatures of unrelated images."""
    pixels = generator.integers(0, 256, (count, 32, 32), np.uint8)
    hashes = generator.integers(0, 2**64, count, np.uint64, endpoint=False)
    return [Signature(int(one), gray) for one, gray in zip(hashes, pixels, strict=True)]


def measure(name: str, signatures: list[Signature]) -> list[str]:
    """Returns a line of the table."""

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before, started, processor = peak(), time.perf_counter(), time.process_time()
    links = match_signatures(signatures)
    seconds = f"{time.perf_counter() - started:.1f}", f"{time.process_time() - processor:.1f}"
    distinct = len({signature.hash for signature in signatures})
    return [name, f"{distinct:,}", f"{len(links):,}", *seconds, f"{(peak() - before) / 1024:.0f}"]


def main() -> None:
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--images", type=int, nargs="*", default=[20_000, 100_000])
    arguments = parser.parse_args()
    generator = np.random.default_rng(0)
    rows = [
        measure(f"{count:,} frames, noise {noise}", film(count, noise, generator))
        for count in arguments.frames
        for noise in NOISE
    ]
    rows += [
        measure(f"{count:,} different images", different(count, generator))
        for count in arguments.images
    ]
    print_table(["images", "hashes", "pairs", "seconds", "CPU seconds", "added MiB"], rows)


if __name__ == "__main__":
    main()
