"""From listed files to batches: tf.data pipelines of pictures and labels."""

from typing import TYPE_CHECKING, Any

import numpy as np

from catdog_keras._progress import progress_bar
from catdog_keras.datasets.decoding import decode_with_rules
from catdog_keras.datasets.index import Listing

if TYPE_CHECKING:
    import tensorflow as tf


def batched_dataset(
    listing: Listing,
    plain: np.ndarray,
    *,
    image_size: tuple[int, int],
    batch_size: int,
    shuffle_seed: int | None,
    cache: bool,
) -> "tf.data.Dataset":
    """Builds the dataset of one split.

    Args:
        listing: Absolute files and labels.
        plain: bool, shape `(files,)`: whether TensorFlow's own kernels decode the file rightly.
        image_size: (height, width) in pixels.
        batch_size: Pictures per batch; the last batch may be smaller.
        shuffle_seed: If given, each pass has an order of its own, drawn from the seed and the
            number of the pass; if None, every pass has the order of `listing`.
        cache: Whether all pictures are decoded once, into memory, as uint8.

    Returns:
        Batches of float32 pictures in [0, 255], shape `(batch, height, width, 3)`, and int32
        labels, shape `(batch,)`.
    """
    import tensorflow as tf

    count = len(listing.files)
    positions = _positions(count, shuffle_seed)
    if cache:
        pictures = _decode_all(listing, plain, image_size)
        dataset = positions.batch(batch_size).map(
            lambda at: (tf.cast(tf.gather(pictures, at), tf.float32), tf.gather(listing.labels, at))
        )
    else:
        decode = _decoder(listing, plain, image_size)
        dataset = positions.map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size)
    return dataset.prefetch(tf.data.AUTOTUNE)


def _positions(count: int, shuffle_seed: int | None) -> "tf.data.Dataset":
    """The order of one pass, as positions in the listing."""
    import tensorflow as tf

    if shuffle_seed is None:
        return tf.data.Dataset.range(count)
    passes = _Passes(count, shuffle_seed)

    def one_pass(_: Any) -> "tf.data.Dataset":
        order = tf.numpy_function(passes.next_order, [], tf.int64, stateful=True)
        return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order, [count]))

    shuffled = tf.data.Dataset.range(1).flat_map(one_pass)
    return shuffled.apply(tf.data.experimental.assert_cardinality(count))


class _Passes:
    """Counts the passes over a dataset and draws each one's order.

    `tf.data`'s own shuffle mixes in the global seed of the process and needs the count of passes
    to live in the iterator; drawn here, an order depends on the seed and the pass alone.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.seed = seed
        self.passes = 0

    def next_order(self) -> np.ndarray:
        generator = np.random.default_rng([self.seed, self.passes])
        self.passes += 1
        return generator.permutation(self.count)


def _decoder(listing: Listing, plain: np.ndarray, image_size: tuple[int, int]) -> Any:
    """A function from a position to a float32 picture and its label."""
    import tensorflow as tf

    files = tf.constant([file.encode() for file in listing.files])
    labels = tf.constant(listing.labels)
    by_kernel = tf.constant(plain)

    def decode(position: Any) -> tuple[Any, Any]:
        file = files[position]
        picture = tf.cond(
            by_kernel[position], lambda: _decode_plain(file), lambda: _decode_odd(file)
        )
        picture = tf.image.resize(picture, image_size, method="bilinear")
        return tf.ensure_shape(picture, (*image_size, 3)), labels[position]

    return decode


def _decode_plain(file: Any) -> Any:
    import tensorflow as tf

    return tf.io.decode_image(tf.io.read_file(file), channels=3, expand_animations=False)


def _decode_odd(file: Any) -> Any:
    import tensorflow as tf

    picture = tf.numpy_function(
        lambda name: decode_with_rules(name.decode()), [file], tf.uint8, stateful=False
    )
    return tf.ensure_shape(picture, (None, None, 3))


def _decode_all(listing: Listing, plain: np.ndarray, image_size: tuple[int, int]) -> "tf.Tensor":
    """Decodes every picture once; uint8, shape `(files, height, width, 3)`."""
    import tensorflow as tf

    decode = _decoder(listing, plain, image_size)
    count = len(listing.files)
    dataset = tf.data.Dataset.range(count).map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    pictures = np.empty((count, *image_size, 3), np.uint8)
    with progress_bar("Decoding pictures", count, "files") as advance:
        for position, (picture, _) in enumerate(dataset):
            pictures[position] = np.rint(picture)
            advance(1)
    return tf.constant(pictures)
