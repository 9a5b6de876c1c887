"""What a user writes, checked by `mypy --strict` outside of the checkout; it is never run."""

from pathlib import Path
from typing import assert_type

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

import catdog_keras as ck

splits = ck.load_cats_dogs("synthetic", image_size=(96, 96), seed=1)
assert_type(splits, ck.ImageSplits)
assert_type(ck.load_image_folder(Path("images"), on_bad="skip"), ck.ImageSplits)
assert_type(ck.load_image_folder("images", groups=r"^(.+)/"), ck.ImageSplits)
assert_type(ck.load_image_folder("images", groups=lambda path: len(path)), ck.ImageSplits)
assert_type(ck.load_image_folder("images", groups={"a/b.jpg": "b"}), ck.ImageSplits)
assert_type(ck.load_image_table("a.csv", group_column="animal"), ck.ImageSplits)
assert_type(ck.load_cats_dogs("images", near_duplicates="ignore"), ck.ImageSplits)
assert_type(ck.scan_images("images"), ck.ScanReport)
assert_type(splits.class_names[0], str)
assert_type(splits.files["test"][0], str)
baseline = ck.baseline_accuracy(splits.counts["train"])
assert_type(baseline, float)

model = ck.build_model3((96, 96, 3), augmentation=ck.augmentation_preset("light"))
head = ck.transfer_model(input_shape=(96, 96, 3), weights=None, class_names=["cat", "dog"])
ck.fit_head(head, splits.train, validation_data=splits.validation, epochs=1)
options = ck.FineTuneConfig(learning_rate=1e-4, patience=None)
ck.fine_tune(head, splits.train, epochs=1, unfreeze=(0.1, "block_16_expand"), options=options)
sweep = ck.find_learning_rate(model, splits.train)
assert_type(sweep, ck.LRFinderResult)
assert_type(sweep.suggestion, float | None)

evaluation = ck.evaluate_classifier(model, splits.test, class_names=splits.class_names)
assert_type(evaluation, ck.Evaluation)
assert_type(ck.Evaluation(["a", "b"], [0, 1], [[0.9, 0.1], [0.2, 0.8]]), ck.Evaluation)
assert_type(evaluation.accuracy_interval, tuple[float, float])
assert_type(ck.Evaluation.load("evaluation.json"), ck.Evaluation)
assert_type(ck.evaluation.compare(evaluation, evaluation, names=("one", "other")).significant, bool)
assert_type(ck.evaluation.compare(evaluation, evaluation, evaluation), ck.Comparisons)
assert_type(ck.plot_roc(evaluation.roc_curves), Axes)
assert_type(ck.plot_roc(evaluation), Axes)
assert_type(ck.plot_precision_recall(evaluation), Axes)
assert_type(ck.plot_confusion_matrix(evaluation), Axes)
assert_type(ck.plot_confusion_matrix([[3, 1], [0, 2]], ["cat", "dog"]), Axes)
assert_type(ck.plot_label_counts(evaluation), Axes)
assert_type(ck.plot_comparison({"model 3": evaluation}), Axes)
assert_type(ck.plot_images(splits.train, class_names=splits.class_names), Figure | SubFigure)
assert_type(ck.plot_history({"loss": [0.5, 0.4]}), Figure | SubFigure)
maps = ck.grad_cam(model, np.zeros((1, 96, 96, 3)))
ck.write_report("report.html", ck.ModelReport("model 3", evaluation), counts=splits.counts)
ck.write_report("report.html", {"model 3": evaluation})
decided = ck.load_image_folder("images", decisions=Path("decisions.json"))
assert_type(decided, ck.ImageSplits)
report = ck.doctor.check_data(splits, backbone="synthetic_small", seed=1)
assert_type(report, ck.doctor.DataReport)
assert_type(report.findings[0], ck.diagnostics.DataFinding)
report.write_page(Path("page.html"), title="Cats and dogs")

exported = ck.export_model(model, "model.onnx", quantize="float16")
assert_type(exported, ck.conversion.ExportReport)
assert_type(exported.accuracy, float | None)
assert_type(ck.conversion.read_metadata("model.onnx").class_names, tuple[str, ...])
ck.export_model(model, "model", format="coreml")  # type: ignore[arg-type]

block = ck.ConvBlock(16, activation="relu", pool_size=(2, 2))
ck.ConvBlock("16")  # type: ignore[arg-type]
ck.load_cats_dogs(image_size=96)
ck.load_cats_dogs(image_size="96")  # type: ignore[arg-type]
