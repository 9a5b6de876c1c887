"""Time of an evaluation, compared with `model.predict` on the same images.

    python -m benchmarks.evaluation IMAGES [--rounds 9]

IMAGES is a folder with train and validation, each with class folders. Both functions decode and
predict the validation images once, at 160 x 160 in batches of 32. KERAS_BACKEND selects the
backend.
"""

import argparse
import statistics
from pathlib import Path

import keras

from benchmarks.measuring import in_turns, print_table, ratio
from catdog_keras import build_model1, evaluate_classifier, load_image_folder, transfer_model
from catdog_keras.datasets._image_root import image_root


def main() -> None:
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    splits = load_image_folder(image_root(arguments.images), image_size=(160, 160))
    images, names = splits.validation, splits.class_names
    models = {"model 1": build_model1(), "MobileNetV2": transfer_model(weights=None)}
    sides = {}
    for name, model in models.items():
        sides[name, "predict"] = lambda model=model: model.predict(images, verbose=0)
        sides[name, "evaluate"] = lambda model=model: evaluate_classifier(
            model, images, class_names=names
        )
    for side in sides.values():
        side()  # trace graphs and fill the disk cache
    timings = in_turns(sides, arguments.rounds)
    count = len(splits.files["validation"])
    backend = keras.backend.backend()
    print(f"{backend} backend, {count} images, {arguments.rounds} rounds, medians [range].\n")
    rows = []
    for name in models:
        predict, evaluate = timings[name, "predict"], timings[name, "evaluate"]
        rows.append(
            [
                name,
                f"{statistics.median(predict.wall):.2f} s",
                f"{statistics.median(evaluate.wall):.2f} s",
                ratio(evaluate.wall, predict.wall),
                ratio(evaluate.processor, predict.processor),
            ]
        )
    headings = ["model", "`predict`", "`evaluate_classifier`", "times `predict`"]
    print_table([*headings, "by processor time"], rows)


if __name__ == "__main__":
    main()
