"""Pictures on disk, or drawn by the package, as train, validation and test."""

from catdog_keras.datasets.image_splits import ImageSplits
from catdog_keras.datasets.inspection import ScanReport, scan_images
from catdog_keras.datasets.loading import load_cats_dogs, load_image_folder, load_manifest

__all__ = [
    "ImageSplits",
    "ScanReport",
    "load_cats_dogs",
    "load_image_folder",
    "load_manifest",
    "scan_images",
]
