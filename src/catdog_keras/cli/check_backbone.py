"""Check of the backbone that a command was given, before its images are read."""


def check_backbone(
    backbone: str, weights: str | None, image_size: int, alpha: float | None = None
) -> None:
    """Raises an error if a backbone, its width or its weights do not exist for an image size.

    Args:
        backbone: Name of the backbone.
        weights: Name or file of its weights, or None.
        image_size: Height and width of the images.
        alpha: Width of a MobileNet, or None.
    """
    from catdog_keras._checks import check_input_shape
    from catdog_keras.models._backbones import check_alpha, check_pretrained_weights
    from catdog_keras.models._transfer_model import check_named_backbone

    input_shape = check_input_shape("input_shape", (image_size, image_size, 3))
    name = check_named_backbone(backbone, input_shape)
    check_pretrained_weights(name, weights)
    check_alpha(name, alpha, weights)
