"""Image folders, archives and synthetic images as training, validation and test datasets."""

from catdog_keras.datasets._load import load_cats_dogs, load_image_folder, load_manifest
from catdog_keras.datasets._load_images import LabeledImages, load_images
from catdog_keras.datasets._scan import scan_images
from catdog_keras.datasets._scan_report import ScanReport
from catdog_keras.datasets._splits import ImageSplits

__all__ = [
    "ImageSplits",
    "LabeledImages",
    "ScanReport",
    "load_cats_dogs",
    "load_image_folder",
    "load_images",
    "load_manifest",
    "scan_images",
]
