"""Time of a training step of the tutorial's network: this library, Keras and PyTorch.

    python -m benchmarks.train_step [--rounds 15] [--batch 32] [--jit-compile]
        [--normalization after] [--brief]

Batches of random images at 160 x 160, Adam, cross-entropy from logits, on the backend that
KERAS_BACKEND selects, in float32 and in mixed bfloat16:

- stock: the Keras layers of the tutorial;
- catdog-keras: `build_model1`, the same function;
- no normalization: the stock layers without BatchNormalization, a lower bound of the time;
- PyTorch: its modules, channels last, uncompiled and compiled, if it is installed.

With --normalization before, all networks normalize before the activation, as most published ones
do, and the side of catdog-keras has `ConvBlock(normalization="before")`.

With --brief, only the first two are measured, and not the peak memory.

With --jit-compile, Keras compiles the steps of its models with XLA, as it always does on JAX. The
last lines print the speed of a matrix product in the same precision, in billions of operations per
second, and the peak memory of a separate process that runs three steps.
"""

import argparse
import functools
import importlib.util
import statistics
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from benchmarks.measuring import beside_the_first, in_turns, peak_memory, print_table
from catdog_keras import ConvBlock, build_model1

FILTERS = (64, 32, 32, 32)
UNITS = (128, 256, 256, 128)
DROPOUT = 0.2  # after each dense layer but the last
SIDE = 160
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
STOCK = "stock Keras layers, float32"


def stock_network(normalization: str | None = "after") -> keras.Model:
    """Builds the tutorial's network from Keras layers."""
    layers: list[keras.Layer] = []
    for filters in FILTERS:
        if normalization == "before":
            layers += [keras.layers.Conv2D(filters, 3), keras.layers.BatchNormalization()]
            layers.append(keras.layers.ReLU())
        else:
            layers.append(keras.layers.Conv2D(filters, 3, activation="relu"))
        if normalization == "after":
            layers.append(keras.layers.BatchNormalization())
        layers.append(keras.layers.MaxPooling2D())
    return with_head(layers)


def network_of_blocks(normalization: str = "after") -> keras.Model:
    """Builds the tutorial's network from blocks of this library."""
    if normalization == "after":
        return build_model1()
    return with_head([ConvBlock(filters, normalization="before") for filters in FILTERS])


def with_head(blocks: list[keras.Layer]) -> keras.Model:
    """Builds a model of feature layers and the classifier of the tutorial."""
    layers: list[keras.Layer] = [keras.Input((SIDE, SIDE, 3)), *blocks, keras.layers.Flatten()]
    for units in UNITS[:-1]:
        layers += [keras.layers.Dense(units, activation="relu"), keras.layers.Dropout(DROPOUT)]
    layers.append(keras.layers.Dense(UNITS[-1], activation="relu"))
    return keras.Sequential([*layers, keras.layers.Dense(2, dtype="float32")])


def keras_step(
    make: Callable[[], keras.Model], policy: str, data: tuple, jit_compile: bool | str = "auto"
) -> Callable[[], Any]:
    """Returns a training step of a Keras model."""
    keras.config.set_dtype_policy(policy)
    model = make()
    keras.config.set_dtype_policy("float32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=jit_compile)
    images, labels = (keras.ops.convert_to_tensor(part) for part in data)
    return lambda: model.train_on_batch(images, labels)


def torch_step(
    precision: str, data: tuple, *, compiled: bool, normalization: str
) -> Callable[[], Any]:
    """Returns a training step of PyTorch modules."""
    import torch

    modules: list[Any] = []
    channels = 3
    for filters in FILTERS:
        pair = [torch.nn.ReLU(), torch.nn.BatchNorm2d(filters)]
        pair = pair[::-1] if normalization == "before" else pair
        modules += [torch.nn.Conv2d(channels, filters, 3), *pair, torch.nn.MaxPool2d(2)]
        channels = filters
    modules.append(torch.nn.Flatten())
    units = (8 * 8 * channels, *UNITS)
    for inputs, outputs in zip(units, UNITS, strict=False):
        modules += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT)]
    modules.pop()  # no dropout before the logits
    model = torch.nn.Sequential(*modules, torch.nn.Linear(units[-1], 2))
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters())
    images = torch.from_numpy(data[0]).permute(0, 3, 1, 2)  # channels last in memory
    labels = torch.from_numpy(data[1]).long()

    def forward() -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            return torch.nn.functional.cross_entropy(model(images), labels)

    loss_of = torch.compile(forward) if compiled else forward

    def step() -> None:
        optimizer.zero_grad()
        loss_of().backward()
        optimizer.step()

    return step


def product(precision: str) -> Callable[[], Any]:
    """Returns a matrix product of 2,048 x 2,048, which runs near the machine's peak speed."""
    square = keras.ops.cast(np.ones((2048, 2048), np.float32), precision)
    return lambda: np.asarray(keras.ops.cast(keras.ops.matmul(square, square)[0, 0], "float32"))


def make_sides(
    data: tuple, jit_compile: bool | str, normalization: str, *, brief: bool = False
) -> dict[str, Callable[[], Any]]:
    """Returns all steps by name and precision."""
    step = functools.partial(keras_step, data=data, jit_compile=jit_compile)
    sides: dict[str, Callable[[], Any]] = {}
    for precision, policy in PRECISIONS.items():
        stock = functools.partial(stock_network, normalization)
        sides[f"stock Keras layers, {precision}"] = step(stock, policy)
        blocks = functools.partial(network_of_blocks, normalization)
        sides[f"catdog-keras, {precision}"] = step(blocks, policy)
        if brief:
            continue
        bound = step(functools.partial(stock_network, None), policy)
        sides[f"no normalization, {precision}"] = bound
        if importlib.util.find_spec("torch"):
            for compiled in (False, True):
                name = f"PyTorch, {'compiled, ' if compiled else ''}{precision}"
                sides[name] = torch_step(
                    precision, data, compiled=compiled, normalization=normalization
                )
    for precision in () if brief else PRECISIONS:
        sides[f"matrix product, {precision}"] = product(precision)
    return sides


def three_steps(name: str, batch: int, normalization: str) -> None:
    """Runs three training steps of the tutorial's network, with "stock" layers or this library."""
    build = functools.partial(
        stock_network if name == "stock" else network_of_blocks, normalization
    )
    step = keras_step(build, PRECISIONS["float32"], random_batch(batch))
    for _ in range(3):
        step()


def random_batch(size: int) -> tuple:
    """Returns random images and labels."""
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (size, SIDE, SIDE, 3)).astype(np.float32)
    return images, generator.integers(0, 2, size).astype(np.int32)


def main() -> None:
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--jit-compile", action="store_true")
    parser.add_argument("--normalization", choices=("after", "before"), default="after")
    parser.add_argument("--brief", action="store_true")
    arguments = parser.parse_args()
    memory = {
        name: peak_memory(
            functools.partial(three_steps, name, arguments.batch, arguments.normalization)
        )
        for name in (() if arguments.brief else ("stock", "catdog-keras"))
    }
    jit_compile = True if arguments.jit_compile else "auto"
    data = random_batch(arguments.batch)
    sides = make_sides(data, jit_compile, arguments.normalization, brief=arguments.brief)
    for side in list(sides.values()) * 2:
        side()  # trace, compile and allocate memory
    timings = in_turns(sides, arguments.rounds)
    print(
        f"{keras.backend.backend()} backend, normalization {arguments.normalization} the "
        f"activation, {arguments.rounds} rounds, medians [range].\n"
    )
    steps = {name: timing for name, timing in timings.items() if not name.startswith("matrix")}
    rows = beside_the_first(steps)
    for name in [name for name in timings if name not in steps]:
        speed = 2 * 2048**3 / statistics.median(timings[name].wall) / 1e9
        rows.append([name, f"{speed:,.0f} GFLOP/s", "", ""])
    print_table(["step", "time", f"times faster than {STOCK}", "by processor time"], rows)
    if memory:
        peaks = ", ".join(f"{name} {size:,.0f} MiB" for name, size in memory.items())
        print("\nPeak memory, float32:", peaks)


if __name__ == "__main__":
    main()
