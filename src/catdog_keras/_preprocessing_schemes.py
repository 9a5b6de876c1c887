"""Preprocessing schemes of pretrained backbones, by name."""

from typing import Literal, NamedTuple, TypeAlias


class _Scheme(NamedTuple):
    """One preprocessing scheme: `(image / divisor - mean) / deviation` for each channel."""

    divisor: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)
    reverses_channels: bool = False

    @property
    def channels(self) -> int | None:
        """Number of channels that the scheme requires; None for any number."""
        return len(self.mean) if len(self.mean) > 1 else None

    @property
    def output_range(self) -> tuple[float, float]:
        """The lowest and the highest output value for images in [0, 255]."""
        deviation = self.deviation * (len(self.mean) // len(self.deviation))
        ends = [
            (value / self.divisor - center) / width
            for value in (0.0, 255.0)
            for center, width in zip(self.mean, deviation, strict=True)
        ]
        return min(ends), max(ends)


Scheme: TypeAlias = Literal["unit", "signed", "imagenet_torch", "imagenet_caffe"]
SCHEMES: dict[str, _Scheme] = {
    "unit": _Scheme(divisor=255.0),
    "signed": _Scheme(divisor=127.5, mean=(1.0,)),
    "imagenet_torch": _Scheme(
        divisor=255.0, mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225)
    ),
    "imagenet_caffe": _Scheme(mean=(103.939, 116.779, 123.68), reverses_channels=True),
}
