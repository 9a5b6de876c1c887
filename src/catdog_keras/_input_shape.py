"""The shape of images, compared with the input shape of a model."""

from collections.abc import Sequence

Shape = Sequence[int | None]


def fits_shape(shape: Shape, wanted: Shape) -> bool:
    """Whether a shape is the wanted one, in which None stands for any size."""
    return len(shape) == len(wanted) and all(
        want in (None, found) for want, found in zip(wanted, shape, strict=True)
    )


def how_to_fit(shape: Shape, wanted: Shape) -> str:
    """Returns how to convert a batch of images of the wrong shape, or an image without a batch."""
    if fits_shape(shape, wanted[1:]):
        return "Make a batch of a single image: images[None]."
    return how_to_reshape(shape[1:], wanted[1:])


def how_to_reshape(shape: Shape, wanted: Shape) -> str:
    """Returns how to convert images of the wrong shape; both shapes are without the batch axis."""
    if len(shape) == len(wanted) - 1 and fits_shape(shape, wanted[: len(shape)]):
        if wanted[-1] == 1:
            return "Add the channel axis: images[..., None]."
        return "Load the images in color, or build the model for grayscale images."
    if len(shape) != 3 or len(wanted) != 3:
        return ""
    if fits_shape((shape[2], *shape[:2]), wanted):
        return (
            "The channels are last, but must be first: transpose the images, or set the data "
            "format."
        )
    if fits_shape((*shape[1:], shape[0]), wanted):
        return (
            "The channels are first, but must be last: transpose the images, or set the data "
            "format."
        )
    if fits_shape(shape[:-1], wanted[:-1]):
        return (
            "Load the images with the number of channels of the model, or build the model for "
            "these images."
        )
    return (
        f"Load the images with image_size={tuple(wanted[:-1])}, or build the model for these "
        "images."
    )


def check_batch_shape(name: str, shape: tuple[int, ...], expected: tuple[int | None, ...]) -> None:
    """Raises an error, with how to convert the images, if their shape is not the expected one."""
    if fits_shape(shape, expected):
        return
    remedy = how_to_fit(shape, expected)
    sides = ", ".join("any" if side is None else str(side) for side in expected[1:])
    raise ValueError(
        f"`{name}` must hold images of shape (batch, {sides}), the input shape of the model; "
        f"received shape {shape}. {remedy}".rstrip()
    )
