"""Settings of a training in words that a reader of the report understands."""

import math
from dataclasses import replace

from catdog_keras.cli.report_facts import skipped_file_facts, training_facts
from catdog_keras.cli.run_record import TrainingRecord

SETTINGS = {
    "backbone": "mobilenet_v2",
    "alpha": None,
    "epochs": 10,
    "image_size": 160,
    "weights": None,
    "class_names": ["cat", "dog"],
    "labels": None,
    "image_column": "image",
    "near_duplicates": "together",
    "holdout_fraction": 1 / 3,
    "crop_to_aspect_ratio": False,
    "pad_to_aspect_ratio": True,
    "on_bad": "skip",
    "of_the_future": True,
}
RECORD = TrainingRecord("/home/me/pets", SETTINGS, {}, {}, {"loss": [1.0]}, 75.2, {})


def test_settings_are_in_words_and_unused_ones_are_left_out():
    assert training_facts(RECORD)["Training"] == {
        "data": "pets",
        "backbone": "mobilenet_v2",
        "epochs of head training": "10",
        "image size": "160 x 160 pixels",
        "weights": "random initialization",
        "classes": "cat, dog",
        "near-duplicates": "in one split",
        "held out for validation and test, without such folders": "33.3%",
        "unreadable files": "skipped",
        "of the future": "yes",
        "resizing": "padded to the aspect ratio",
        "duration": "1 min 15 s",
    }


def test_files_of_a_training_are_shown_without_their_folders():
    settings = {"labels": "/home/me/labels.csv", "image_column": "path", "weights": "/w/own.h5"}
    facts = training_facts(replace(RECORD, settings=settings, seconds=5.31))["Training"]
    assert facts == {
        "data": "pets",
        "file of the labels": "labels.csv",
        "its column of the paths": "path",
        "weights": "own.h5",
        "resizing": "stretched to the image size",
        "duration": "5.3 s",
    }
    assert training_facts(replace(RECORD, seconds=math.inf))["Training"]["duration"] == "inf s"


def test_skipped_files_are_counted_and_the_first_ones_named():
    assert skipped_file_facts({}) == {}
    many = {f"{n}.jpg": "empty" for n in range(60)}
    (group,) = skipped_file_facts(many, " in the training").items()
    assert group[0] == "Files skipped in the training: 60"
    assert len(group[1]) == 51
    assert group[1]["and others"] == 10
