"""Image folders, archives and synthetic images as training, validation and test datasets."""

from catdog_keras.datasets.image_splits import ImageSplits
from catdog_keras.datasets.loading import load_cats_dogs, load_image_folder, load_manifest
from catdog_keras.datasets.pictures import Pictures, load_pictures
from catdog_keras.datasets.scan_report import ScanReport
from catdog_keras.datasets.scanning import scan_images

__all__ = [
    "ImageSplits",
    "Pictures",
    "ScanReport",
    "load_cats_dogs",
    "load_image_folder",
    "load_manifest",
    "load_pictures",
    "scan_images",
]
