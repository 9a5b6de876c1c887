"""Model files that are malicious, damaged, oversized or unusual, built for the test that opens them.

A file that tries to run code creates the canary file. `build` writes all files and returns what the
command must do with each: refuse it, or predict.
"""

import base64
import bz2
import functools
import io
import json
import lzma
import marshal
import os
import pickle
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from catdog_keras import ClassNames

NAMES = ["cats", "dogs"]
LARGE = 600 * 2**20  # bytes, more than a command may need for a model of this size
CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"


def layer(class_name: str, module: str | None = "keras.layers", **config: Any) -> dict[str, Any]:
    """The config of a layer; `registered` is its registered name."""
    registered = config.pop("registered", None)
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered,
    }


def function(name: Any, module: str = "builtins") -> dict[str, Any]:
    """The config of a function."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


@functools.cache
def compressed_spaces(size: int, method: int) -> tuple[bytes, int]:
    """Spaces by bzip2, or by LZMA as a zip archive has it, and their checksum."""
    head = b""
    if method == zipfile.ZIP_BZIP2:
        packer: Any = bz2.BZ2Compressor()
    else:
        fast = {"id": lzma.FILTER_LZMA1, "preset": 0}
        properties = lzma._encode_filter_properties(fast)  # as in the module `zipfile`
        head = struct.pack("<BBH", 9, 4, len(properties)) + properties
        packer = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=[fast])
    block, checksum = b" " * 2**20, 0
    parts = [head]
    for _ in range(size // len(block)):
        parts.append(packer.compress(block))
        checksum = zlib.crc32(block, checksum)
    return b"".join([*parts, packer.flush()]), checksum


class Corpus:
    """Builds model files from the parts of a small valid one."""

    def __init__(self, folder: Path, canary: Path) -> None:
        self.folder, self.canary = folder, canary
        model = keras.Sequential(
            [
                keras.Input((8, 8, 3)),
                keras.layers.Conv2D(4, 3),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(2),
                ClassNames(NAMES),
            ]
        )
        model.save(folder / "valid.keras")
        with zipfile.ZipFile(folder / "valid.keras") as archive:
            self.parts = {name: archive.read(name) for name in archive.namelist()}

    def config(self) -> Any:
        return json.loads(self.parts[CONFIG])

    def write(self, path: Path, config: Any = None, weights: bytes | None = None) -> None:
        """Writes a file with another config or other weights."""
        parts = dict(self.parts)
        if config is not None:
            parts[CONFIG] = config if isinstance(config, bytes) else json.dumps(config).encode()
        if weights is not None:
            parts[WEIGHTS] = weights
        self.members(path, parts.items())

    def members(self, path: Path, members: Any, method: int = zipfile.ZIP_STORED) -> None:
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in members:
                archive.writestr(name, content)

    def with_undeclared_size(self, name: str, size: int, method: int) -> Callable[[Path], None]:
        """A file with a member of spaces whose size the directory declares as 56 bytes."""

        def write(path: Path) -> None:
            large = zipfile.ZipInfo(name)
            with zipfile.ZipFile(path, "w") as archive:
                for other, content in self.parts.items():
                    if other != name:
                        archive.writestr(other, content)
                content, checksum = compressed_spaces(size, method)
                archive.writestr(large, content)
                large.compress_type, large.CRC, large.file_size = method, checksum, 56
            large.file_size = size
            with path.open("r+b") as file:
                file.seek(large.header_offset)
                file.write(large.FileHeader())

        return write

    def with_layer(self, added: Any, place: int = 1) -> Callable[[Path], None]:
        """A file whose model has one more layer behind its input."""

        def write(path: Path) -> None:
            config = self.config()
            config["config"]["layers"].insert(place, added)
            self.write(path, config)

        return write

    def with_entry(self, index: int, **entries: Any) -> Callable[[Path], None]:
        """A file in which a layer's config has other entries."""

        def write(path: Path) -> None:
            config = self.config()
            config["config"]["layers"][index]["config"].update(entries)
            self.write(path, config)

        return write

    def with_top(self, **entries: Any) -> Callable[[Path], None]:
        """A file in which the object of the model has other entries."""
        return lambda path: self.write(path, {**self.config(), **entries})

    def with_weights(self, fill: Callable[[h5py.File], None]) -> Callable[[Path], None]:
        """A file whose weights are what `fill` writes."""

        def write(path: Path) -> None:
            buffer = io.BytesIO()
            with h5py.File(buffer, "w") as weights:
                fill(weights)
            self.write(path, weights=buffer.getvalue())

        return write

    def saved(self, make: Callable[[], keras.Model]) -> Callable[[Path], None]:
        """A file of a model that Keras saves."""

        def write(path: Path) -> None:
            make().save(path)

        return write


def code(corpus: Corpus) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Files that try to run code, or to read other files, while they are loaded."""
    canary = str(corpus.canary)
    source = compile(f"lambda x: (open({canary!r}, 'w').close(), x)[1]", "-", "eval")
    body = source.co_consts[0]
    bytecode = {
        "class_name": "__lambda__",
        "config": {
            "code": base64.b64encode(marshal.dumps(body)).decode(),
            "value": base64.b64encode(marshal.dumps(body)).decode(),
            "defaults": None,
            "closure": None,
        },
    }
    put = corpus.with_layer
    lambda_ = functools.partial(layer, "Lambda")
    called = {
        "plot_model": ("keras.utils", {"to_file": canary}),
        "get_file": ("keras.utils", {"origin": f"file://{__file__}", "fname": canary}),
        "load_data": ("keras.datasets.mnist", {"path": canary}),
        "save_img": ("keras.utils", {"path": canary}),
        "system": ("os", {"command": f"touch {canary}"}),
        "exec": ("builtins", {}),
        "run": ("subprocess", {"args": ["touch", canary]}),
        "enable_unsafe_deserialization": ("keras.config", {}),
        "load_model": ("keras.saving", {"filepath": canary}),
        "open": ("builtins", {"mode": "w"}),
        "save_text": ("catdog_keras._write_files", {"text": canary}),
    }
    yield "lambda of bytecode", put(lambda_(function=bytecode))
    for name, (module, arguments) in called.items():
        yield (
            f"lambda of {name}",
            put(lambda_(function=function(name, module), arguments=arguments)),
        )
        yield f"activation {name}", corpus.with_entry(1, activation=function(name, module))
    yield "lambda of relu", put(lambda_(function=function("relu")))
    inner = lambda_(function=function("relu"))
    yield "lambda in a wrapper", put(layer("TimeDistributed", layer=inner))
    yield "lambda in a pipeline", put(layer("Pipeline", layers=[inner]))
    nested = corpus.config()
    nested["config"]["layers"] = [nested["config"]["layers"][0], inner]
    yield "lambda in a nested model", put(nested)
    yield "lambda without a module", put({"class_name": "Lambda", "config": inner["config"]})
    yield (
        "lambda as a nested module",
        put({**inner, "module": "keras.src.layers.core.lambda_layer"}),
    )
    yield "lambda as an initializer", corpus.with_entry(1, kernel_initializer=bytecode)
    yield "lambda as a build config", corpus.with_top(build_config={"input_shape": bytecode})
    yield "lambda as a loss", corpus.with_top(compile_config={"loss": bytecode})
    yield (
        "lambda as a loss of a nested model",
        put({**nested, "compile_config": {"loss": bytecode}}),
    )
    yield "lambda in an unused entry", corpus.with_top(other=[{"x": bytecode}])
    yield "SavedModel", put(layer("TFSMLayer", filepath=canary))
    yield "TorchModuleWrapper", put(layer("TorchModuleWrapper", module=canary))
    yield "JaxLayer", put(layer("JaxLayer", call_fn=function("system", "os")))
    yield "FlaxLayer", put(layer("FlaxLayer", module=function("system", "os")))
    yield "class of os", put(layer("_wrap_close", "os", stream=canary, proc=1))
    yield "class of subprocess", put(layer("Popen", "subprocess", args=["touch", canary]))
    yield "class of keras.callbacks", put(layer("CSVLogger", "keras.callbacks", filename=canary))
    yield "module with a path", put(layer("Dense", "keras.layers/../../os"))
    yield "module that would be imported", put(layer("Layer", "keras.src.utils.unknown"))
    yield "module of another package", put(layer("Layer", "antigravity"))
    yield "class of another package", put(layer("Layer", None, registered="other>Layer"))
    yield "built-in class with a registered name", put(layer("Dense", registered="other>Dense"))
    yield "class of KerasHub", put(layer("Tokenizer", "keras_hub.tokenizers", vocabulary=canary))
    yield "type specification", put({**layer("__typespec__"), "spec_name": "TensorSpec"})
    yield "class name that is a list", put(layer([canary]))
    yield "class name that is an object", put(layer({"class_name": "Lambda"}))
    yield "module that is a number", put(layer("Dense", 1))
    yield "function that is a list", corpus.with_entry(1, activation=function([canary]))
    yield "function that is an object", corpus.with_entry(1, activation=function({"a": 1}))
    for name in ("StringLookup", "IntegerLookup", "TextVectorization"):
        yield f"{name} of a file", put(layer(name, vocabulary="/etc/passwd"))
    yield "custom objects", corpus.with_top(custom_objects={"Dense": bytecode})
    yield "pickle", lambda path: path.write_bytes(pickle.dumps(_CreatesFileWhenUnpickled(canary)))
    yield (
        "pickled weights",
        lambda path: corpus.members(
            path,
            [
                (CONFIG, corpus.parts[CONFIG]),
                (METADATA, corpus.parts[METADATA]),
                ("model.weights.npz", pickle.dumps(_CreatesFileWhenUnpickled(canary))),
            ],
        ),
    )


class _CreatesFileWhenUnpickled:
    """Object whose pickle creates a file when it is loaded."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return open, (self.path, "w")


def sizes(corpus: Corpus) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Files that require much more memory or time than their size suggests."""
    put, entry = corpus.with_layer, corpus.with_entry

    def bomb(name: str, size: int, head: bytes = b"") -> Callable[[Path], None]:
        def write(path: Path) -> None:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for other, content in corpus.parts.items():
                    if other != name:
                        archive.writestr(other, content)
                with archive.open(name, "w", force_zip64=True) as stream:
                    stream.write(head)
                    for _ in range(size // 2**20):
                        stream.write(b" " * 2**20)

        return write

    yield "config of 600 MB", bomb(CONFIG, LARGE, corpus.parts[CONFIG])
    yield "metadata of 600 MB", bomb(METADATA, LARGE, b"{}")
    yield "weights of 600 MB", bomb(WEIGHTS, LARGE, corpus.parts[WEIGHTS])
    for method, name in (
        (zipfile.ZIP_BZIP2, CONFIG),
        (zipfile.ZIP_LZMA, METADATA),
        (zipfile.ZIP_BZIP2, WEIGHTS),
    ):
        # bzip2 and LZMA decompress in one call, whatever size is declared.
        yield (
            f"{name} by compression method {method}",
            corpus.with_undeclared_size(name, LARGE, method),
        )

    def unallocated(weights: h5py.File) -> None:
        weights.create_dataset("layers/conv2d/vars/0", (1000, 1000, 1000), "f4", chunks=True)

    def compressed(weights: h5py.File) -> None:
        data = weights.create_dataset(
            "layers/conv2d/vars/0", (2**28,), "f4", chunks=(2**22,), compression=1
        )
        chunk = zlib.compress(bytes(4 * 2**22), 1)
        for start in range(0, 2**28, 2**22):
            data.id.write_direct_chunk((start,), chunk)

    def bytes_for_floats(weights: h5py.File) -> None:
        weights.create_dataset("layers/conv2d/vars/0", (2**29,), "u1", chunks=True)

    yield "weights that are not allocated", corpus.with_weights(unallocated)
    yield "weights that are compressed", corpus.with_weights(compressed)
    yield "weights of one byte each", corpus.with_weights(bytes_for_floats)
    for side in (50_000, 9_000, 2**31, 2**63, 10**30):
        shape = [None, side, side, 3]
        yield (
            f"input of {side} pixels",
            entry(0, batch_shape=shape),
        )
    for name, config in {
        "UpSampling2D": {"size": [3000, 3000]},
        "ZeroPadding2D": {"padding": 100_000},
        "Resizing": {"height": 200_000, "width": 200_000},
        "Conv2DTranspose": {"filters": 3, "kernel_size": 1, "strides": 3000},
        "DepthwiseConv2D": {"kernel_size": 1, "depth_multiplier": 10**9},
        "Conv2D": {"filters": 10**9, "kernel_size": 1},
        "Dense": {"units": 10**9},
        "SeparableConv2D": {"filters": 10**9, "kernel_size": 1},
        "ConvLSTM2D": {"filters": 10**9, "kernel_size": 1},
        "EinsumDense": {"equation": "abcd,de->abce", "output_shape": [None, None, 10**9]},
        "MultiHeadAttention": {"num_heads": 10**5, "key_dim": 10**5},
        "Embedding": {"input_dim": 10**9, "output_dim": 100},
        "CenterCrop": {"height": 10**6, "width": 10**6},
        "RandomZoom": {"height_factor": 1e30},
    }.items():
        yield f"large {name}", put(layer(name, **config))
    up = layer("UpSampling2D", size=[3000, 3000])
    yield "large layer in a pipeline", put(layer("Pipeline", layers=[up]))

    def any_size(path: Path) -> None:
        config = corpus.config()
        layers = config["config"]["layers"]
        layers[0]["config"]["batch_shape"] = [None, None, None, 3]
        config["build_config"] = {"input_shape": [None, None, None, 3]}
        layers.insert(1, layer("UpSampling2D", size=[100, 100]))
        corpus.write(path, config)

    yield "large layer after an input of any size", any_size

    def shared(path: Path) -> None:
        images = keras.Input((8, 8, 3))
        up = keras.layers.UpSampling2D(300)
        x = keras.layers.GlobalAveragePooling2D()(up(up(images)))
        keras.Model(images, ClassNames(NAMES)(keras.layers.Dense(2)(x))).save(path)

    yield "large layer that is called twice", shared

    def doubling(path: Path) -> None:
        def model(depth: int) -> Any:
            images = keras.Input((8, 8, 3))
            inner = keras.layers.Identity() if depth == 0 else model(depth - 1)
            x = images
            for _ in range(10):
                x = inner(x)
            return keras.Model(images, x)

        small = model(1)
        small.save(path)
        config = json.loads(zipfile.ZipFile(path).read(CONFIG))
        text = json.dumps(config)
        # Each level calls the level below ten times, so the file grows by one level only.
        for _ in range(7):
            outer = json.loads(json.dumps(config))
            functional = next(
                n
                for n, each in enumerate(outer["config"]["layers"])
                if each["class_name"] == "Functional"
            )
            inner = json.loads(text)
            inner["inbound_nodes"] = outer["config"]["layers"][functional]["inbound_nodes"]
            inner["name"] = outer["config"]["layers"][functional]["name"]
            inner["config"]["name"] = inner["name"]
            outer["config"]["layers"][functional] = inner
            text = json.dumps(outer)
        corpus.write(path, text.encode())

    yield "nested calls", doubling

    def many(path: Path) -> None:
        config = corpus.config()
        config["config"]["layers"][1:1] = [layer("Identity", name=f"n{n}") for n in range(30_000)]
        corpus.write(path, config)

    yield "30,000 layers", many
    for depth in (500, 100_000):
        yield (
            f"{depth} brackets",
            lambda path, depth=depth: corpus.write(path, b"[" * depth + b"]" * depth),
        )

    def deep_layers(path: Path) -> None:
        inner = layer("Identity")
        for _ in range(150):
            inner = layer("TimeDistributed", layer=inner)
        corpus.with_layer(inner)(path)

    yield "150 wrappers", deep_layers
    yield "long number", lambda path: corpus.write(path, b"1" * 100_000)
    yield "long class name", put(layer("x" * 5_000_000))
    yield "long layer name", corpus.with_entry(1, name="x" * 5_000_000)
    yield "long class names", corpus.with_entry(4, class_names=["a", "b" * 5_000_000, "c"])

    def deep_groups(weights: h5py.File) -> None:
        group: Any = weights
        for _ in range(1200):  # more calls than Python allows
            group = group.create_group("g")

    yield "deep groups", corpus.with_weights(deep_groups)


def values(corpus: Corpus) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """The files of `small_outputs`, which TensorFlow writes if PyTorch is in use.

    PyTorch would compute the values of some layers, 23 GB, to find the shapes of their outputs.
    """
    if keras.backend.backend() != "torch":
        yield from small_outputs(corpus)
        return
    written = corpus.folder / "values"
    written.mkdir()
    command = [sys.executable, "-m", "tests.corpora.model_files", str(written)]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    ended = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    for number, name in enumerate(json.loads(ended.stdout.splitlines()[-1])):
        yield name, functools.partial(shutil.copyfile, written / f"{number}.keras")


def small_outputs(corpus: Corpus) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Files whose layers return little but compute with much, while they are built or called.

    Before the model was traced, these took up to 13 GB for one image.
    """
    saved, layers = corpus.saved, keras.layers
    attention = layers.MultiHeadAttention

    def model(size: int, *body: Any) -> Callable[[Path], None]:
        """A file of a model of `size` x `size` images; the body is layers or functions."""

        def make() -> keras.Model:
            x = images = keras.Input((size, size, 3))
            for each in body:
                x = each(x)
            x = layers.Dense(2)(layers.Flatten()(x))
            return keras.Model(images, ClassNames(NAMES)(x))

        return saved(make)

    def inner(factor: int) -> Any:
        return layers.Pipeline([layers.UpSampling2D(factor), layers.AveragePooling2D(factor)])

    pair = keras.Sequential([layers.UpSampling2D(500), layers.AveragePooling2D(500)])

    def rows(x: Any) -> Any:
        return layers.Reshape((-1, 3))(x)

    mean = layers.GlobalAveragePooling1D()
    yield "Pipeline", model(8, inner(500))
    yield "Pipeline in a Pipeline", model(8, layers.Pipeline([inner(500)]))
    yield (
        "TimeDistributed",
        model(8, layers.Reshape((2, 4, 8, 3)), layers.TimeDistributed(pair)),
    )
    yield (
        "kernel of 570 x 570",
        model(160, layers.DepthwiseConv2D(570, padding="same"), _global_average),
    )
    yield "MultiHeadAttention", model(160, rows, lambda x: attention(1, 4)(x, x), mean)
    yield "Attention", model(160, rows, lambda x: layers.Attention()([x, x]), mean)
    yield "AdditiveAttention", model(64, rows, lambda x: layers.AdditiveAttention()([x, x]), mean)
    yield (
        "GroupQueryAttention",
        model(160, rows, lambda x: layers.GroupQueryAttention(4, 4, 2)(x, x), mean),
    )
    yield (
        "Dot",
        model(
            160,
            rows,
            lambda x: layers.Dot(2)([x, x]),
            layers.Reshape((160, -1, 1)),
            _global_average,
        ),
    )
    yield (
        "LSTM of 51,200,000 steps",
        model(
            160,
            rows,
            layers.Pipeline([layers.UpSampling1D(2000), layers.LSTM(2, return_sequences=True)]),
            mean,
        ),
    )
    yield (
        "Resizing with padding to 1 x 1,000,000",
        model(
            160,
            layers.Pipeline([layers.Resizing(1, 10**6, pad_to_aspect_ratio=True)]),
            _global_average,
        ),
    )
    yield (
        "Normalization of all pixels",
        model(
            8,
            layers.UpSampling2D(1500),
            layers.Normalization((1, 2, 3), mean=0.0, variance=1.0),
            _global_average,
        ),
    )
    yield (
        "Normalization of all pixels, in a Pipeline",
        model(
            8,
            layers.Pipeline(
                [
                    layers.UpSampling2D(1500),
                    layers.Normalization((1, 2, 3), mean=0.0, variance=1.0),
                    layers.AveragePooling2D(1500),
                ]
            ),
        ),
    )
    yield (
        "spectrogram of many bins",
        model(
            8,
            layers.Flatten(),
            layers.MelSpectrogram(
                fft_length=2**16, sequence_length=128, num_mel_bins=2**15, sequence_stride=2**14
            ),
            layers.GlobalAveragePooling1D(),
        ),
    )
    yield (
        "many branches",
        model(
            8,
            lambda x: layers.Add()(
                [layers.AveragePooling2D(400)(layers.UpSampling2D(400)(x)) for _ in range(100)]
            ),
        ),
    )
    yield (
        "values that do not depend on the batch",
        model(
            8,
            lambda x: keras.ops.mean(x, axis=0, keepdims=True),
            layers.UpSampling2D(1400),
            _global_average,
            lambda x: keras.ops.broadcast_to(x, (1, 3)),
        ),
    )
    yield (
        "batch times batch",
        model(
            8,
            layers.UpSampling2D(120),
            lambda x: keras.ops.expand_dims(x, 0) - keras.ops.expand_dims(x, 1),
            lambda x: keras.ops.mean(x, axis=1),
            _global_average,
        ),
    )

    def call(
        class_name: str, module: str, arguments: Any, **entries: Any
    ) -> Callable[[Path], None]:
        """A file in which a constant is computed while the model is built."""

        def write(path: Path) -> None:
            images = keras.Input((8, 8, 3))
            x = layers.Dense(2)(layers.GlobalAveragePooling2D()(images))
            keras.Model(images, ClassNames(NAMES)(x)).save(path)
            with zipfile.ZipFile(path) as archive:
                parts = {name: archive.read(name) for name in archive.namelist()}
            config = json.loads(parts[CONFIG])
            added = layer(class_name, module, name="constant", **entries)
            added["inbound_nodes"] = [{"args": arguments, "kwargs": {}}]
            added["name"] = "constant"
            config["config"]["layers"].append(added)
            corpus.members(path, {**parts, CONFIG: json.dumps(config)}.items())

        return write

    one = {
        "class_name": "__numpy__",
        "config": {"value": [[[[1.0]]]], "dtype": "float32"},
    }
    yield (
        "layer that is called with a constant",
        call("UpSampling2D", "keras.layers", [one], size=[30_000, 30_000]),
    )


def _global_average(x: Any) -> Any:
    """Averages feature maps, so that a head can follow."""
    return keras.layers.GlobalAveragePooling2D()(x)


def formats(corpus: Corpus) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Files that are damaged, or not written by Keras."""
    parts = corpus.parts
    valid = (corpus.folder / "valid.keras").read_bytes()

    def put(content: bytes) -> Callable[[Path], None]:
        return lambda path: path.write_bytes(content)

    def without(name: str) -> Callable[[Path], None]:
        return lambda path: corpus.members(path, [m for m in parts.items() if m[0] != name])

    def with_member(name: str, content: bytes = b"") -> Callable[[Path], None]:
        return lambda path: corpus.members(path, [*parts.items(), (name, content)])

    yield "empty file", put(b"")
    yield "text", put(b"not a model")
    yield "cut in the middle", put(valid[: len(valid) // 2])
    yield "cut by one byte", put(valid[:-1])
    yield "bytes in front", put(b"x" * 100_000 + valid[:-100])
    yield "zip without config", without(CONFIG)
    yield "zip without weights", without(WEIGHTS)
    yield "empty zip", lambda path: corpus.members(path, [])
    yield "assets outside of the folder", with_member("assets/../../../canary")
    yield "second weights", with_member("model.weights.npz")
    yield "code", with_member("__init__.py", b"1")
    yield (
        "10,000 members",
        lambda path: corpus.members(
            path, [*parts.items(), *((f"a{n}", b"") for n in range(10_000))]
        ),
    )
    duplicate = io.BytesIO(valid)
    with zipfile.ZipFile(duplicate, "a") as archive:
        info = zipfile.ZipInfo(CONFIG)
        archive.filelist.append(archive.getinfo(CONFIG))
        archive._didModify = True
        del info
    yield "config twice", put(duplicate.getvalue())
    encrypted = bytearray(valid)
    central = valid.rindex(b"PK\1\2")
    while central >= 0:
        encrypted[central + 8] |= 1
        central = valid.rfind(b"PK\1\2", 0, central)
    yield "encrypted", put(bytes(encrypted))
    commented = valid[:-2] + struct.pack("<H", 3) + b"abc"
    yield "comment", put(commented)
    hidden = io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr(CONFIG, b"{}")
    yield "another archive behind", put(valid + hidden.getvalue())
    for name, text in {
        "config that is not UTF-8": b"\xff\xfe{}",
        "config that is empty": b"",
        "config that is null": b"null",
        "config that is a number": b"1",
        "config that is a list": b"[]",
        "config that is a text": b'"Sequential"',
        "config that is an empty object": b"{}",
        "config that is NaN": b"NaN",
    }.items():
        yield name, lambda path, text=text: corpus.write(path, text)
    yield "config without layers", corpus.with_top(config={})
    yield "config that is a list of layers", corpus.with_top(config=[1, 2])
    yield "layer that is a number", corpus.with_layer(1)
    yield "layer that is null", corpus.with_layer(None)
    yield "dimension that is a text", corpus.with_entry(0, batch_shape=[None, "8", 8, 3])
    yield "dimension that is negative", corpus.with_entry(0, batch_shape=[None, -8, 8, 3])
    yield "dimension that is zero", corpus.with_entry(0, batch_shape=[None, 0, 0, 3])
    yield "dimension that is a fraction", corpus.with_entry(0, batch_shape=[None, 8.5, 8, 3])
    yield "filters that are negative", corpus.with_entry(1, filters=-4)
    yield "weights that are not HDF5", lambda path: corpus.write(path, weights=b"x" * 5000)
    yield "weights that are cut", lambda path: corpus.write(path, weights=parts[WEIGHTS][:-2000])
    yield "weights that are empty", corpus.with_weights(lambda _: None)

    def change(apply: Callable[[h5py.File], None]) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            buffer = io.BytesIO(parts[WEIGHTS])
            with h5py.File(buffer, "r+") as weights:
                apply(weights)
            corpus.write(path, weights=buffer.getvalue())

        return write

    kernel = "layers/dense/vars/0"

    def replace(weights: h5py.File, link: Any) -> None:
        del weights[kernel]
        weights[kernel] = link

    other = corpus.folder / "other.h5"
    h5py.File(other, "w").close()
    yield "external link", change(lambda w: replace(w, h5py.ExternalLink(str(other), "/x")))
    yield "soft link", change(lambda w: replace(w, h5py.SoftLink("/layers/conv2d/vars/0")))
    yield "wrong shape", change(lambda w: replace(w, np.zeros((7, 7), "f4")))
    yield "text in place of weights", change(lambda w: replace(w, "text"))

    def virtual(weights: h5py.File) -> None:
        layout = h5py.VirtualLayout((4, 2), "f4")
        layout[:] = h5py.VirtualSource(str(other), "x", (4, 2))
        del weights[kernel]
        weights.create_virtual_dataset(kernel, layout)

    yield "virtual dataset", change(virtual)

    def external(weights: h5py.File) -> None:
        del weights[kernel]
        weights.create_dataset(kernel, (4, 2), "f4", external=[(str(other), 0, 32)])

    yield "external storage", change(external)
    yield "weights that are not finite", change(lambda w: w[kernel].write_direct(_nan_weights()))


def _nan_weights() -> Any:
    """A kernel of NaN."""
    return np.full((4, 2), np.nan, "f4")


def models(corpus: Corpus) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Models that do not map one RGB image in [0, 255] to one row of outputs per class."""
    saved, layers = corpus.saved, keras.layers

    def ends(images: Any, x: Any) -> keras.Model:
        return keras.Model(images, x)

    def head(x: Any) -> Any:
        return ClassNames(NAMES)(layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))

    yield "top that is a layer", lambda path: corpus.write(path, layer("Dense", units=2))
    yield (
        "top that is an optimizer",
        lambda path: corpus.write(path, layer("Adam", "keras.optimizers")),
    )
    yield "top that is a function", lambda path: corpus.write(path, function("relu"))
    yield "top that is a bare model", lambda path: corpus.write(path, layer("Model", "keras"))

    def two_inputs() -> keras.Model:
        images = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
        return ends(images, head(layers.Add()(images)))

    def two_outputs() -> keras.Model:
        images = keras.Input((8, 8, 3))
        return ends(images, [head(images), head(images)])

    def dict_outputs() -> keras.Model:
        images = keras.Input((8, 8, 3))
        return ends(images, {"a": head(images), "b": head(images)})

    def map_output() -> keras.Model:
        images = keras.Input((8, 8, 3))
        return ends(images, ClassNames(NAMES)(layers.Conv2D(2, 1)(images)))

    def text_input() -> keras.Model:
        return keras.Sequential([keras.Input((8, 8, 3), dtype="string"), layers.Flatten()])

    for make in (two_inputs, two_outputs, dict_outputs, map_output, text_input):
        yield make.__name__.replace("_", " "), saved(make)
    for shape in ((8, 8, 1), (3, 8, 8), (8, 8, 4), (8, 8, None), (7,), (2, 8, 8, 3), ()):
        entry = corpus.with_entry(0, batch_shape=[None, *shape])
        yield f"input of shape {shape}", entry
    for name, names in {
        "class names that are numbers": [1, 2],
        "class names twice": ["a", "a"],
        "class names that are a text": "ab",
        "class names that are nested": [["a"], ["b"]],
        "more class names than outputs": ["a", "b", "c"],
        "no class names": [],
    }.items():
        yield name, corpus.with_entry(4, class_names=names)

    def sigmoid() -> keras.Model:
        images = keras.Input((8, 8, 3))
        x = layers.Dense(2, "sigmoid")(layers.GlobalAveragePooling2D()(images))
        return ends(images, ClassNames(NAMES)(x))

    yield "sigmoid of two classes", saved(sigmoid)

    def signed() -> keras.Model:
        images = keras.Input((32, 32, 3))
        base = keras.applications.MobileNetV2(
            input_shape=(32, 32, 3), include_top=False, weights=None, alpha=0.35
        )
        return ends(images, head(base(images)))

    yield "model of images in [-1, 1]", saved(signed)


def usable(corpus: Corpus) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Unusual models that the command must run."""
    saved, layers = corpus.saved, keras.layers

    def head(x: Any) -> Any:
        return ClassNames(NAMES)(layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))

    def one_output_in_a_dict() -> keras.Model:
        images = keras.Input((8, 8, 3))
        return keras.Model(images, {"logits": head(images)})

    def operations() -> keras.Model:
        images = keras.Input((8, 8, 3))
        x = keras.ops.concatenate([images / 127.5 - 1, keras.ops.relu(images / 127.5 - 1)], axis=-1)
        return keras.Model(images, head(x))

    def nested() -> keras.Model:
        images = keras.Input((8, 8, 3))
        inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 1)])
        inner.compile("adam", keras.losses.MeanSquaredError(), metrics=["mae"])
        return keras.Model(images, head(inner(inner(images))))

    def every_size() -> keras.Model:
        images = keras.Input((None, None, 3))
        return keras.Model(images, head(layers.Conv2D(4, 3)(images)))

    def bytes_input() -> keras.Model:
        images = keras.Input((8, 8, 3), dtype="uint8")
        return keras.Model(images, head(layers.Rescaling(1 / 255)(images)))

    def mixed() -> keras.Model:
        images = keras.Input((8, 8, 3))
        x = layers.Conv2D(4, 3, dtype="mixed_bfloat16", kernel_regularizer="l2")(images)
        return keras.Model(images, head(x))

    def quantized() -> keras.Model:
        model = every_size()
        model.quantize("int8")
        return model

    def recurrent() -> keras.Model:
        images = keras.Input((8, 8, 3))
        x = layers.Bidirectional(layers.LSTM(4))(layers.Reshape((64, 3))(images))
        return keras.Model(images, ClassNames(NAMES)(layers.Dense(2)(x)))

    def dict_input() -> keras.Model:
        images = {"image": keras.Input((8, 8, 3), name="image")}
        return keras.Model(images, head(images["image"]))

    def many_layers_before_the_weights() -> keras.Model:
        x = images = keras.Input((1000, 1000, 3))
        for _ in range(90):
            x = layers.Rescaling(1.0)(x)
        return keras.Model(images, head(x))

    yield "batch of 7", corpus.with_entry(0, batch_shape=[7, 8, 8, 3])
    for make in (
        dict_input,
        one_output_in_a_dict,
        operations,
        nested,
        every_size,
        bytes_input,
        mixed,
        quantized,
        recurrent,
    ):
        yield make.__name__.replace("_", " "), saved(make)
    if keras.backend.backend() != "torch":  # where all values exist until the model returns
        yield "many layers before the weights", saved(many_layers_before_the_weights)


GROUPS = {
    "code": code,
    "sizes": sizes,
    "values": values,
    "formats": formats,
    "models": models,
    "usable": usable,
}


if __name__ == "__main__":
    folder, names = Path(sys.argv[1]), []
    for name, write in small_outputs(Corpus(folder, folder / "canary")):
        write(folder / f"{len(names)}.keras")
        names.append(name)
    print(json.dumps(names))
