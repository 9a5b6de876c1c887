"""Keras layers for images: network blocks, preprocessing and data augmentation."""

from catdog_keras.layers._augmentation_pipeline import AugmentationPipeline
from catdog_keras.layers._augmentation_preset import augmentation_preset
from catdog_keras.layers._batch_normalization import BatchNormalization
from catdog_keras.layers._class_names import ClassNames
from catdog_keras.layers._conv_block import ConvBlock
from catdog_keras.layers._preprocessing import Preprocessing
from catdog_keras.layers._random_affine import RandomAffine
from catdog_keras.layers._random_apply import RandomApply
from catdog_keras.layers._random_choice import RandomChoice

__all__ = [
    "AugmentationPipeline",
    "BatchNormalization",
    "ClassNames",
    "ConvBlock",
    "Preprocessing",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "augmentation_preset",
]
