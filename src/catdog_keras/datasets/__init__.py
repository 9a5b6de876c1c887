"""Image folders, archives and synthetic images as training, validation and test datasets."""

from catdog_keras.datasets._load import load_cats_dogs, load_image_folder
from catdog_keras.datasets._load_images import LabeledImages, load_images
from catdog_keras.datasets._load_manifest import load_manifest
from catdog_keras.datasets._load_table import load_image_table
from catdog_keras.datasets._scan import scan_images
from catdog_keras.datasets._scan_report import ScanReport
from catdog_keras.datasets._splits import ImageSplits

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
