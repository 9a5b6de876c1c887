"""Image folders, archives and synthetic images as training, validation and test datasets."""

from catdog_keras.datasets._image_splits import ImageSplits
from catdog_keras.datasets._load_image_folder import load_cats_dogs, load_image_folder
from catdog_keras.datasets._load_images import LabeledImages, load_images
from catdog_keras.datasets._load_manifest import load_manifest
from catdog_keras.datasets._load_table import load_image_table
from catdog_keras.datasets._scan_images import scan_images
from catdog_keras.datasets._scan_report import ScanReport

__all__ = [
    "ImageSplits",
    "LabeledImages",
    "ScanReport",
    "load_cats_dogs",
    "load_image_folder",
    "load_image_table",
    "load_images",
    "load_manifest",
    "scan_images",
]
