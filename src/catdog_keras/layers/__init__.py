"""Keras layers for images: network blocks, preprocessing and data augmentation."""

from catdog_keras.layers.augmentation_strength import augmentation
from catdog_keras.layers.batch_normalization import BatchNormalization
from catdog_keras.layers.class_names import ClassNames
from catdog_keras.layers.conv_block import ConvBlock
from catdog_keras.layers.preprocessing import Preprocessing
from catdog_keras.layers.random_affine import RandomAffine
from catdog_keras.layers.random_apply import RandomApply
from catdog_keras.layers.random_choice import RandomChoice
from catdog_keras.layers.random_sequence import RandomSequence

__all__ = [
    "BatchNormalization",
    "ClassNames",
    "ConvBlock",
    "Preprocessing",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "RandomSequence",
    "augmentation",
]
