"""Facts about the named backbones, without Keras: sizes, preprocessing and published accuracy."""

from typing import NamedTuple

from catdog_keras._preprocessing_schemes import Scheme

# The accuracies are those of the table on this page; those of MobileNetV3 are in the docstrings of
# its functions, on the page of MobileNets.
SOURCE = "https://keras.io/api/applications/"


class Facts(NamedTuple):
    """Facts about a backbone.

    Attributes:
        network: Name of its function in `keras.applications`; None for the packaged one.
        preprocessing: The `Preprocessing` scheme of its weights; None if the network contains its
            preprocessing.
        minimum_size: Smallest height and width in pixels.
        features: Number of channels of its last feature map.
        parameters: Number of its weights' values, without the classification layers.
        image_size: Height and width in pixels for which its weights are published.
        top1: Published top-1 accuracy on ImageNet in percent; None if there is none.
        alphas: Widths for which weights are published; empty if the width is fixed.
    """

    network: str | None
    preprocessing: Scheme | None
    minimum_size: int
    features: int
    parameters: int
    image_size: int
    top1: float | None
    alphas: tuple[float, ...] = ()


# Widths for which Keras publishes weights.
_V1 = (0.25, 0.5, 0.75, 1.0)
_V2 = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
_V3 = (0.75, 1.0)

FACTS = {
    "convnext_base": Facts("ConvNeXtBase", None, 32, 1024, 87_566_464, 224, 85.3),
    "convnext_large": Facts("ConvNeXtLarge", None, 32, 1536, 196_230_336, 224, 86.3),
    "convnext_small": Facts("ConvNeXtSmall", None, 32, 768, 49_454_688, 224, 82.3),
    "convnext_tiny": Facts("ConvNeXtTiny", None, 32, 768, 27_820_128, 224, 81.3),
    "convnext_xlarge": Facts("ConvNeXtXLarge", None, 32, 2048, 348_147_968, 224, 86.7),
    "densenet121": Facts("DenseNet121", "imagenet_torch", 32, 1024, 7_037_504, 224, 75.0),
    "densenet169": Facts("DenseNet169", "imagenet_torch", 32, 1664, 12_642_880, 224, 76.2),
    "densenet201": Facts("DenseNet201", "imagenet_torch", 32, 1920, 18_321_984, 224, 77.3),
    "efficientnet_b0": Facts("EfficientNetB0", None, 32, 1280, 4_049_571, 224, 77.1),
    "efficientnet_b1": Facts("EfficientNetB1", None, 32, 1280, 6_575_239, 240, 79.1),
    "efficientnet_b2": Facts("EfficientNetB2", None, 32, 1408, 7_768_569, 260, 80.1),
    "efficientnet_b3": Facts("EfficientNetB3", None, 32, 1536, 10_783_535, 300, 81.6),
    "efficientnet_b4": Facts("EfficientNetB4", None, 32, 1792, 17_673_823, 380, 82.9),
    "efficientnet_b5": Facts("EfficientNetB5", None, 32, 2048, 28_513_527, 456, 83.6),
    "efficientnet_b6": Facts("EfficientNetB6", None, 32, 2304, 40_960_143, 528, 84.0),
    "efficientnet_b7": Facts("EfficientNetB7", None, 32, 2560, 64_097_687, 600, 84.3),
    "efficientnet_v2_b0": Facts("EfficientNetV2B0", None, 32, 1280, 5_919_312, 224, 78.7),
    "efficientnet_v2_b1": Facts("EfficientNetV2B1", None, 32, 1280, 6_931_124, 240, 79.8),
    "efficientnet_v2_b2": Facts("EfficientNetV2B2", None, 32, 1408, 8_769_374, 260, 80.5),
    "efficientnet_v2_b3": Facts("EfficientNetV2B3", None, 32, 1536, 12_930_622, 300, 82.0),
    "efficientnet_v2_l": Facts("EfficientNetV2L", None, 32, 1280, 117_746_848, 480, 85.7),
    "efficientnet_v2_m": Facts("EfficientNetV2M", None, 32, 1280, 53_150_388, 480, 85.3),
    "efficientnet_v2_s": Facts("EfficientNetV2S", None, 32, 1280, 20_331_360, 384, 83.9),
    "inception_resnet_v2": Facts("InceptionResNetV2", "signed", 75, 1536, 54_336_736, 299, 80.3),
    "inception_v3": Facts("InceptionV3", "signed", 75, 2048, 21_802_784, 299, 77.9),
    "mobilenet": Facts("MobileNet", "signed", 32, 1024, 3_228_864, 224, 70.4, _V1),
    "mobilenet_v2": Facts("MobileNetV2", "signed", 32, 1280, 2_257_984, 224, 71.3, _V2),
    "mobilenet_v3_large": Facts("MobileNetV3Large", None, 32, 960, 2_996_352, 224, 75.6, _V3),
    "mobilenet_v3_small": Facts("MobileNetV3Small", None, 32, 576, 939_120, 224, 68.1, _V3),
    "nasnet_large": Facts("NASNetLarge", "signed", 32, 4032, 84_916_818, 331, 82.5),
    "nasnet_mobile": Facts("NASNetMobile", "signed", 32, 1056, 4_269_716, 224, 74.4),
    "resnet101": Facts("ResNet101", "imagenet_caffe", 32, 2048, 42_658_176, 224, 76.4),
    "resnet101_v2": Facts("ResNet101V2", "signed", 32, 2048, 42_626_560, 224, 77.2),
    "resnet152": Facts("ResNet152", "imagenet_caffe", 32, 2048, 58_370_944, 224, 76.6),
    "resnet152_v2": Facts("ResNet152V2", "signed", 32, 2048, 58_331_648, 224, 78.0),
    "resnet50": Facts("ResNet50", "imagenet_caffe", 32, 2048, 23_587_712, 224, 74.9),
    "resnet50_v2": Facts("ResNet50V2", "signed", 32, 2048, 23_564_800, 224, 76.0),
    "synthetic_small": Facts(None, "signed", 32, 128, 386_016, 96, None),
    "vgg16": Facts("VGG16", "imagenet_caffe", 32, 512, 14_714_688, 224, 71.3),
    "vgg19": Facts("VGG19", "imagenet_caffe", 32, 512, 20_024_384, 224, 71.3),
    "xception": Facts("Xception", "signed", 71, 2048, 20_861_480, 299, 79.0),
}  # fmt: skip
