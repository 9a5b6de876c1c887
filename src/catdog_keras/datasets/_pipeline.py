"""tf.data pipelines of images and labels.

AutoGraph would convert the functions of a pipeline when the first one is built, which takes longer
than the rest; they contain no Python control flow.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from catdog_keras._image_errors import image_errors
from catdog_keras._image_files.decode_pillow import decode_channels, decode_pillow
from catdog_keras._image_files.decode_tensorflow import OPAQUE, decode_tf, samples_of_tensor
from catdog_keras._image_files.memory import memory_to_decode, memory_to_read, open_described
from catdog_keras._image_files.png_chunks import without_large_text
from catdog_keras._printable import printable
from catdog_keras._warnings import ignore_warnings_of
from catdog_keras.datasets._image_cache import cache_in_file, cache_in_memory
from catdog_keras.datasets._image_index import Listing
from catdog_keras.datasets._options import BatchOptions
from catdog_keras.datasets._read_unchanged import read_unchanged
from catdog_keras.datasets._scan_report import ImageFile

if TYPE_CHECKING:
    import tensorflow as tf
    from PIL import Image

READ_TOGETHER = 8  # files for each call of Python
ORDINARY_PIXELS, ORDINARY_BYTES = 2_000_000, 2**20
WHOLE_PIXELS = 24_000_000  # larger images are converted one channel at a time


def batched_dataset(
    listing: Listing,
    images: Sequence[ImageFile],
    options: BatchOptions,
    *,
    shuffled: bool,
    num_classes: int = 0,
) -> "tf.data.Dataset":
    """Builds the `tf.data` pipeline of one split: a dataset of batches.

    Args:
        listing: Absolute paths and labels.
        images: Inspection results, in the order of the files.
        options: Preparation of images and labels, batch size, seed and cache.
        shuffled: Whether to reshuffle in each epoch, with an order that depends on the seed and the
            epoch number; if False, the order is always that of `listing`. An epoch counts when its
            second batch is read (or its only one): reading just the first batch does not change
            the order of later epochs.
        num_classes: Length of categorical labels.

    Returns:
        Batches of float32 images in [0, 255], shape `(batch, height, width, channels)`, and labels:
        int32, shape `(batch,)`; float32, shape `(batch, num_classes)` if categorical, or
        `(batch, 1)` if binary. The last batch may be smaller.
    """
    import tensorflow as tf

    count = len(listing.files)
    orders = _EpochOrders(count, options.seed, options.batch_size) if shuffled else None
    positions = _positions_of_epoch(count, orders)
    labels = _label_reader(listing.labels, options.label_mode, num_classes)
    if options.cache is False or not count:
        dataset = _decoded_dataset(positions, labels, images, options)
        dataset = dataset.batch(options.batch_size)
    else:
        each = _decoded_dataset(tf.data.Dataset.range(count), labels, images, options)
        take = _reader_of_cached_images(each, images, options)

        @tf.autograph.experimental.do_not_convert
        def take_batch(at: Any) -> tuple[Any, Any]:
            return tf.cast(take(at), tf.float32), labels(at)

        dataset = positions.batch(options.batch_size).map(take_batch)
    dataset = dataset.prefetch(tf.data.AUTOTUNE)
    return dataset if orders is None else _count_epochs(dataset, orders)


class _EpochOrders:
    """The order of the images in each epoch of a pipeline, and the number of the current epoch.

    The shuffle of `tf.data` also depends on the global seed of the process, and counts iterators as
    epochs. This order depends only on the seed and the epoch number.
    """

    def __init__(self, count: int, seed: int, batch_size: int) -> None:
        self.count = count
        self.seed = seed
        self.epoch = 0
        self.batches = 0  # read since the latest iterator was created
        self.counted = 2 if count > batch_size else 1

    def order(self) -> np.ndarray:
        self.batches = 0
        return np.random.default_rng([self.seed, self.epoch]).permutation(self.count)

    def count_batch(self) -> np.bool_:
        self.batches += 1
        self.epoch += self.batches == self.counted
        return np.True_


def _positions_of_epoch(count: int, orders: _EpochOrders | None) -> "tf.data.Dataset":
    """Returns the start of a pipeline: positions in the listing, in the order of one epoch."""
    import tensorflow as tf

    if orders is None:
        return tf.data.Dataset.range(count)

    @tf.autograph.experimental.do_not_convert
    def one_epoch(_: Any) -> "tf.data.Dataset":
        order = tf.numpy_function(orders.order, [], tf.int64, stateful=True)
        return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order, [count]))

    shuffled = tf.data.Dataset.range(1).flat_map(one_epoch)
    return shuffled.apply(tf.data.experimental.assert_cardinality(count))


def _count_epochs(dataset: "tf.data.Dataset", orders: _EpochOrders) -> "tf.data.Dataset":
    """Counts an epoch when its second batch leaves the pipeline, after all buffers."""
    import tensorflow as tf

    @tf.autograph.experimental.do_not_convert
    def count(*_: Any) -> Any:
        return tf.ensure_shape(tf.numpy_function(orders.count_batch, [], tf.bool), [])

    # A filter, because Keras divides batches between processes only if no map follows the batches.
    counted = dataset.filter(count)
    options = tf.data.Options()
    # The buffer that TensorFlow adds at the end would read the second batch with the first.
    options.experimental_optimization.inject_prefetch = False
    cardinality = tf.data.experimental.assert_cardinality(dataset.cardinality())
    return counted.apply(cardinality).with_options(options)


def _label_reader(labels: np.ndarray, mode: str, num_classes: int) -> Callable[[Any], Any]:
    """Returns the function of a pipeline from positions to labels in the requested form."""
    import tensorflow as tf

    constant = tf.constant(labels)

    def read(at: Any) -> Any:
        found = tf.gather(constant, at)
        if mode == "categorical":
            return tf.one_hot(found, num_classes)
        return tf.cast(found, tf.float32)[..., None] if mode == "binary" else found

    return read


def _decoded_dataset(
    positions: "tf.data.Dataset",
    labels: Callable[[Any], Any],
    images: Sequence[ImageFile],
    options: BatchOptions,
) -> "tf.data.Dataset":
    """Returns a pipeline that reads files at `positions` as float32 images with their labels."""
    import tensorflow as tf

    by_kernel = np.array(
        [image.plain and _is_small_enough_for_any_thread(image) for image in images], bool
    )
    kernel = tf.constant(by_kernel)

    def read(group: np.ndarray) -> np.ndarray:
        contents = np.empty(len(group), object)
        for place, position in enumerate(group.tolist()):
            # Large files are read when they are decoded, a few at a time.
            contents[place] = read_unchanged(images[position]) if by_kernel[position] else b""
        return contents

    @tf.autograph.experimental.do_not_convert
    def read_group(group: Any) -> tuple[Any, Any]:
        contents = tf.numpy_function(read, [group], tf.string)
        return group, tf.ensure_shape(contents, (None,))

    def decode_other(position: np.int64) -> np.ndarray:
        return _decode_in_turn(images[int(position)], options)

    @tf.autograph.experimental.do_not_convert
    def decode(position: Any, content: Any) -> tuple[Any, Any]:
        def by_tensorflow() -> Any:
            return _resize_as_keras(decode_tf(content, options.color_mode), options)

        def by_function() -> Any:
            return tf.numpy_function(decode_other, [position], tf.float32)

        # Tracing a condition takes as long as listing thousands of files.
        if by_kernel.all():
            image = by_tensorflow()
        else:
            image = tf.cond(kernel[position], by_tensorflow, by_function)
        return tf.ensure_shape(image, options.image_shape), labels(position)

    # In groups, because each call of Python costs more than the reading of a file.
    groups = positions.batch(READ_TOGETHER).map(read_group, num_parallel_calls=tf.data.AUTOTUNE)
    decoded = groups.unbatch().map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return decoded.apply(tf.data.experimental.assert_cardinality(positions.cardinality()))


def _resize_as_keras(image: Any, options: BatchOptions) -> Any:
    """Resizes an image of a pipeline to float32 in [0, 255], as Keras's directory loader does."""
    from catdog_keras._backend import resize_images  # imports Keras, which a scan does not need

    return resize_images(
        image,
        options.image_shape[:2],
        options.interpolation,
        options.crop_to_aspect_ratio,
        options.pad_to_aspect_ratio,
    )


def _is_small_enough_for_any_thread(image: ImageFile) -> bool:
    """Returns whether any number of threads of a pipeline can decode such an image at once."""
    return image.pixels <= ORDINARY_PIXELS and image.size <= ORDINARY_BYTES


def _decode_in_turn(image: ImageFile, options: BatchOptions) -> np.ndarray:
    """Reads, decodes and resizes one image of a pipeline, while few others are in memory."""
    import tensorflow as tf

    mode = options.color_mode
    with _content_when_memory(image, 4 + 2 * options.image_shape[2]) as (content, opened):
        if image.pixels <= WHOLE_PIXELS:
            return _resize_as_keras(_decode_pixels_of(image, content, mode), options).numpy()
        if not image.plain:
            channels = decode_channels(
                content, mode, lambda channel: _resize_as_keras(channel, options)
            )
        else:
            colors = decode_tf(content, "rgb" if mode == "rgba" else mode)
            memory = samples_of_tensor(colors)
            channels = [_resize_as_keras(colors, options)]
            del colors, memory
            if mode == "rgba":
                opaque = tf.fill((opened.height, opened.width, 1), OPAQUE)
                channels.append(_resize_as_keras(opaque, options))
        return tf.concat(channels, axis=-1).numpy()


def decode_image(image: ImageFile) -> np.ndarray:
    """Reads and decodes one image to uint8 RGB at its own size, as the pipelines do."""
    with _content_when_memory(image, 10) as (content, _):
        return np.asarray(_decode_pixels_of(image, content, "rgb"))


def _decode_pixels_of(image: ImageFile, content: bytes, color_mode: str) -> Any:
    """Decodes a file in a pipeline by TensorFlow if its colors are right then, else by Pillow."""
    return (decode_tf if image.plain else decode_pillow)(content, color_mode)


@contextmanager
def _content_when_memory(
    image: ImageFile, bytes_per_pixel: float
) -> "Iterator[tuple[bytes, Image.Image]]":
    """Yields content and header of an image in a pipeline when there is memory to decode it."""
    with memory_to_read(image.size):
        content = read_unchanged(image)
        try:
            with ignore_warnings_of("PIL"):
                opened = open_described(without_large_text(content))
            whole = image.pixels <= WHOLE_PIXELS
            with memory_to_decode(opened, bytes_per_pixel if whole else 0):
                yield content, opened
        except Exception as error:  # for example, if memory is exhausted
            raise ValueError(f"{printable(image.path)!r} could not be decoded: {error}") from error


def _images_without_labels(dataset: "tf.data.Dataset") -> Iterator[Any]:
    """Yields the images of one epoch of a pipeline, without their labels."""
    with image_errors():
        for image, _ in dataset:
            yield image


def _reader_of_cached_images(
    each: "tf.data.Dataset", images: Sequence[ImageFile], options: BatchOptions
) -> Any:
    """Decodes the images of a pipeline once; returns a function from positions to uint8 images."""
    import tensorflow as tf

    shape = (len(images), *options.image_shape)
    decoded = _images_without_labels(each)
    if options.cache is True:
        held = tf.constant(cache_in_memory(shape, decoded))
        return lambda at: tf.gather(held, at)
    digests = [image.sha256 for image in images]
    folder = Path(str(options.cache))
    stored = cache_in_file(folder, digests, shape, decoded, options.preparation)

    def take(at: Any) -> Any:
        taken = tf.numpy_function(lambda rows: stored[rows], [at], tf.uint8, stateful=False)
        return tf.ensure_shape(taken, (None, *shape[1:]))

    return take
