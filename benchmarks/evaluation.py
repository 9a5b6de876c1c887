"""What an evaluation costs beside `model.predict` on the same pictures.

    python -m benchmarks.evaluation PICTURES [--rounds 9]

PICTURES is a folder with train and validation, each with class folders. Every side passes once over
the validation pictures at 160 x 160 in batches of 32, and decodes each of them. `KERAS_BACKEND`
chooses the backend.
"""

import argparse
import statistics
from pathlib import Path

import keras

from benchmarks.measuring import in_turns, print_table, ratio
from catdog_keras import build_model1, evaluate_classifier, load_image_folder, transfer_model
from catdog_keras.datasets.index import picture_root


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    splits = load_image_folder(picture_root(arguments.pictures), image_size=(160, 160))
    pictures, names = splits.validation, splits.class_names
    models = {"model 1": build_model1(), "MobileNetV2": transfer_model(weights=None)}
    sides = {}
    for name, model in models.items():
        sides[name, "predict"] = lambda model=model: model.predict(pictures, verbose=0)
        sides[name, "evaluate"] = lambda model=model: evaluate_classifier(model, pictures, names)
    for side in sides.values():
        side()  # the first pass traces graphs and warms the disk, for all sides
    timings = in_turns(sides, arguments.rounds)
    count = len(splits.files["validation"])
    backend = keras.backend.backend()
    print(f"{backend} backend, {count} pictures, {arguments.rounds} rounds, medians [range].\n")
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
