"""The report: one page, with everything inside, that shows names and never obeys them."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from catdog_keras import Evaluation, ModelReport, write_report
from catdog_keras.evaluation import compare
from catdog_keras.evaluation._baseline import describe_against_baseline
from catdog_keras.report import (
    _class_curves as class_curves,
    _sections as sections,
    _side_by_side as side_by_side,
    _top_losses_figure as highest_losses,
)
from catdog_keras.report._environment import describe_environment
from catdog_keras.report._side_by_side import models_section

ODD = ["<script>alert(1)</script>", "dogs & \"cats\" 'x'", "猫 🐈", "a\u202eb\n"]
HISTORY = {
    "accuracy": [0.6, 0.8],
    "val_accuracy": [0.5, 0.7],
    "loss": [0.7, 0.4],
    "val_loss": [0.8, 0.6],
}
VOID = {"meta", "link", "img"}


class Page(HTMLParser):
    """Every tag with its attributes, the text of the page, and whether all tags close in turn."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def evaluate(names, images=60, seed=0, files=None):
    """Returns an evaluation of a mediocre classifier with random probabilities."""
    generator = np.random.default_rng(seed)
    labels = np.arange(images) % len(names)
    logits = generator.normal(size=(images, len(names)))
    logits[np.arange(images), labels] += 1
    rows = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Evaluation(names, labels, rows, files)


def reports(evaluations, histories=None, figures=None):
    """Returns the reports of models by name, with their histories and figures."""
    return [
        ModelReport(name, each, (histories or {}).get(name), (figures or {}).get(name))
        for name, each in evaluations.items()
    ]


def read(folder, evaluations, histories=None, figures=None, **options):
    """Writes a report; returns its HTML and its parsed page."""
    write_report(folder / "page.html", reports(evaluations, histories, figures), **options)
    html = (folder / "page.html").read_text("utf-8")
    return html, Page(html)


@pytest.fixture
def without_plots(monkeypatch):
    """Embeds a blank image for each plot: drawing them takes most of the time of a report."""
    for module in (class_curves, sections, side_by_side):
        for name in [name for name in vars(module) if name.startswith("plot_")]:
            monkeypatch.setattr(module, name, lambda *_: Figure((1, 1)))


def test_report_has_no_external_requests_and_no_scripts(tmp_path):
    files = [f"/x/<img src=a{n} onerror=alert(1)>.jpg" for n in range(60)]
    html, page = read(
        tmp_path,
        {"a<b>": evaluate(ODD, files=files), "c": evaluate(ODD, seed=1, files=files)},
        title="</title><script>alert(2)</script>",
        counts={"<i>": dict.fromkeys(ODD, 3)},
        histories={"a<b>": HISTORY},
        metadata={"<b>": {"<u>": "</table><script>"}},
    )
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe", "b", "i", "u", "object"})
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert [link["href"] for link in page.all("link")] == ["data:,"]
    assert not re.search(r"url\(|@import", html)
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    for shown in ("<script>alert(1)</script>", "dogs & \"cats\" 'x'", "猫 🐈", "a\\u202eb\\n"):
        assert shown in page.text
    assert "<img src=a" in page.text
    assert "\u202e" not in html


def test_report_images_links_and_regions_are_accessible(tmp_path):
    _, page = read(
        tmp_path,
        {"one": evaluate(["cat", "dog"])},
        histories={"one": HISTORY},
        figures={"one": Figure((4, 2))},
    )
    images = page.all("img")
    assert len(images) == 6
    for image in images:
        assert len(image["alt"]) > 20
        encoded = base64.b64decode(image["src"].split(",")[1])
        with Image.open(io.BytesIO(encoded)) as decoded:
            assert decoded.size == (int(image["width"]), int(image["height"]))
    kinds = [image["src"].split(";")[0] for image in images]
    assert kinds.count("data:image/jpeg") == 1  # of the images; drawings lose nothing
    assert [html["lang"] for html in page.all("html")] == ["en"]
    identities = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(identities)) == len(identities)
    for link in page.all("a"):
        assert link["href"].removeprefix("#") in identities
    for scrolled in (a for _, a in page.tags if "tabindex" in a):
        assert scrolled["aria-label"]
        assert scrolled["role"] == "region"
    for cell in page.all("th"):
        assert cell["scope"] in ("row", "col")


def evaluation_correct_at(right):
    """An evaluation that is right on the given of 60 images."""
    labels = np.arange(60) % 2
    taken_for = np.where(np.isin(np.arange(60), list(right)), labels, 1 - labels)
    return Evaluation(["cat", "dog"], labels, 0.2 + 0.6 * np.eye(2)[taken_for])


@pytest.mark.usefixtures("without_plots")
def test_report_compares_each_pair_of_models(tmp_path):
    models = {
        "a": evaluation_correct_at(range(40)),
        "b": evaluation_correct_at(range(50)),
        "c": evaluation_correct_at(range(2, 41)),
    }
    _, page = read(tmp_path, models)
    low, high = (100 * end for end in compare(models["a"], models["b"]).difference_interval)
    b_better = f"a, b b is better 0 10 -16.7 points {low:+.1f} to {high:+.1f} 0.0039"
    assert f"{b_better} a, c not significant 2 1 +1.7 points" in page.text
    assert "b, c b is better 11 0 +18.3 points" in page.text


@pytest.mark.usefixtures("without_plots")
def test_models_section_compares_nine_models_with_first_or_highlight():
    models = {f"m{n}": evaluation_correct_at(range(30 + n)) for n in range(9)}
    for highlight, first, verdict in (
        (None, "m0", "not significant"),
        ("m8", "m8", "not significant"),
    ):
        rows = models_section(models, highlight).tables[1].rows
        others = [name for name in models if name != first]
        assert [row[0] for row in rows] == [f"{first}, {name}" for name in others]
        row = rows[-1] if highlight is None else rows[0]
        assert row[1] == verdict
    assert len(models_section({n: models[n] for n in list(models)[:8]}, None).tables[1].rows) == 28


@pytest.mark.usefixtures("without_plots")
def test_report_shows_metrics_of_one_model(tmp_path):
    files = [f"/images/test/{n}.jpg" for n in range(60)]
    evaluation = evaluate(["cat", "dog"], files=files)
    counts = {"train": {"cat": 1200, "dog": 30}, "test": {"cat": 30, "dog": 30}}
    _, page = read(
        tmp_path, {"small": evaluation}, counts=counts, metadata={"Training": {"seed": 17}}
    )
    low, high = evaluation.accuracy_interval
    assert (
        f"{100 * evaluation.accuracy:.1f}% 95% interval {100 * low:.1f} to {100 * high:.1f}%"
        in page.text
    )
    assert "cat 1,200 30 dog 30 30 all classes 1,230 60" in page.text
    for scores in evaluation.class_metrics:
        shares = [
            f"{100 * share:.1f}% {100 * low:.1f} to {100 * high:.1f}%"
            for share, (low, high) in (
                (scores.precision, scores.precision_interval),
                (scores.recall, scores.recall_interval),
                (scores.f1, scores.f1_interval),
            )
        ]
        told = f"{scores.class_name} 30 {' '.join(shares)}"
        assert told in page.text
    (curve,) = evaluation.roc_curves
    low, high = curve.auc_interval
    assert f"dog {curve.auc:.3f} {low:.3f} to {high:.3f}" in page.text
    for curve in evaluation.precision_recall_curves:
        low, high = curve.average_precision_interval
        told = f"{curve.class_name} {curve.average_precision:.3f} {low:.3f} to {high:.3f}"
        assert told in page.text
    assert f"mean of the classes (mAP) {evaluation.mean_average_precision:.3f}" in page.text
    balanced, (low, high) = evaluation.balanced_accuracy, evaluation.balanced_accuracy_interval
    interval = f"{100 * low:.1f} to {100 * high:.1f}%"
    assert f"Balanced accuracy {100 * balanced:.1f}% 95% interval {interval}" in page.text
    average = evaluation.macro_average
    assert (
        f"macro average 60 {100 * average.precision:.1f}% {100 * average.recall:.1f}% {interval} "
        f"{100 * average.f1:.1f}%"
    ) in page.text
    assert "no images of" not in page.text
    worst = evaluation.top_losses(1)[0]
    assert "/images" not in page.text  # paths of the author's machine are private
    name = worst.file.removeprefix("/images/test/")
    told = f"1. {name} {worst.true_class} {worst.predicted_class} {100 * worst.probability:.1f}%"
    assert told in page.text
    assert "Training seed 17" in page.text
    for name, value in describe_environment().items():
        assert f"{name} {value}" in page.text
    assert "Models side by side" not in page.text


def test_describe_against_baseline_reports_side_and_significance():
    for right, verdict in (
        (range(60), "significantly above it"),
        (range(33), "above it, but not significantly"),
        (range(30), "equals it"),
        (range(27), "below it, but not significantly"),
        ((), "significantly below it"),
    ):
        told = describe_against_baseline(evaluation_correct_at(right).baseline_comparison)
        assert told.removeprefix("the model ").removeprefix("is ") == verdict


@pytest.mark.usefixtures("without_plots")
def test_report_compares_model_with_baseline(tmp_path):
    _, page = read(tmp_path, {"m": evaluation_correct_at(range(33))})
    assert (
        "Baseline 50.0% always predicting cat, of these images; the model is above it, but not "
        "significantly Images" in page.text
    )


@pytest.mark.usefixtures("without_plots")
def test_report_lists_accuracy_of_each_of_several_models(tmp_path):
    models = {f"model{seed}": evaluate(["cat", "dog"], seed=seed) for seed in range(4)}
    _, page = read(tmp_path, models)
    shares = sorted(100 * each.accuracy for each in models.values())
    assert f"Models 4 accuracies from {shares[0]:.1f}% to {shares[-1]:.1f}% Baseline" in page.text
    assert "chose" not in page.text
    assert "Accuracy, " not in page.text  # these images choose no model
    for name, each in models.items():
        low, high = (100 * end for end in each.accuracy_interval)
        assert (
            f"{name} {each.correct} of 60 {100 * each.accuracy:.1f}% {low:.1f} to {high:.1f}% "
            f"{100 * each.balanced_accuracy:.1f}% {100 * each.f1:.1f}% {each.log_loss:.3f}"
        ) in page.text


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize("names", [["only"], [f"class {n}" for n in range(21)]])
def test_report_names_every_class(names, tmp_path):
    _, page = read(tmp_path, {"m": evaluate(names, images=40)})
    assert all(name in page.text for name in names)


def test_report_draws_names_with_lone_surrogates_and_any_numbers(tmp_path):
    history = {"loss": [1e308, -1e308]}
    _, page = read(
        tmp_path, {"m\udce9": evaluate(["caf\udce9", "\ud800dog"])}, {"m\udce9": history}
    )
    assert len(page.all("img")) > 3
    assert "caf" in page.text


@pytest.mark.usefixtures("without_plots")
def test_report_of_many_classes_lists_the_worst_first_and_then_all(tmp_path):
    names = [f"class {n}" for n in range(200)]
    labels = np.repeat(np.arange(200), 4)
    predictions = labels.copy()
    predictions[:3], predictions[400:402] = 150, 7  # of classes 0 and 100
    rows = np.full((800, 200), 0.1 / 199)
    rows[np.arange(800), predictions] = 0.9
    _, page = read(tmp_path, {"m": Evaluation(names, labels, rows)})
    pairs = "class 0 class 150 3 75.0% class 100 class 7 2 50.0%"
    assert f"predicted class images fraction of the true class {pairs} m: the 15" in page.text
    _, worst, every = page.text.split("95% interval class ")[:3]
    assert worst.startswith("0 4 100.0%")
    assert every.startswith("0 4 100.0%")
    assert all(f" {name} 4 " in page.text for name in names)
    classes = [tag["class"] for tag in page.all("div") if "wide" in tag.get("class", "")]
    assert classes.count("wide long") == 3  # scores and both areas of 200 classes


@pytest.mark.usefixtures("without_plots")
def test_report_shows_no_recall_for_class_without_images(tmp_path):
    rows = [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]
    _, page = read(tmp_path, {"m": Evaluation(["a", "b", "c"], [0, 1], rows)})
    assert "c 0 - - - - - - " in page.text  # precision, recall and F1, and their intervals
    assert page.text.count(" c - - ") == 2  # both areas
    assert "0.0 to 100.0%" not in page.text
    assert "There are no images of 1 class: c. The macro averages leave" in page.text
    names = [f"c{n}" for n in range(20)]
    _, page = read(tmp_path, {"m": Evaluation(names, [0], [[0.05] * 20])})
    listed = ", ".join(names[1:16])
    assert f"There are no images of 19 classes: {listed} and 4 more. The macro" in page.text


def test_describe_environment_is_json_serializable():
    told = describe_environment()
    assert json.loads(json.dumps(told)) == told
    assert told["backend"] in told


ONE = Evaluation(["a", "b"], [0, 1], [[0.9, 0.1], [0.2, 0.8]])
OTHER = Evaluation(["a", "b"], [1, 1], [[0.9, 0.1], [0.2, 0.8]])


@pytest.mark.parametrize(
    ("models", "error", "message"),
    [
        ([], ValueError, "`models` must be an Evaluation, a dict .*received models=\\[\\]"),
        (5, TypeError, "`models` must be an Evaluation, a dict .*received models=5"),
        ([ONE], TypeError, "`models` must be an Evaluation, a dict"),
        (
            [ModelReport("a", ONE), ModelReport("a", ONE)],
            ValueError,
            r"with different names; received models=\['a', 'a'\]",
        ),
        (
            [ModelReport("a", ONE), ModelReport("b", OTHER)],
            ValueError,
            r"`models\[1\].evaluation` must be an evaluation of the same images as "
            r"`models\[0\].evaluation`, .*received true class 'b' at index 0",
        ),
    ],
)
def test_write_report_rejects_invalid_models(models, error, message, tmp_path):
    with pytest.raises(error, match=message):
        write_report(tmp_path / "page.html", models)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((1, ONE), "`name` must be a string"), (("a", 1), "`evaluation` must be an Evaluation")],
)
def test_model_report_rejects_wrong_types(arguments, message):
    with pytest.raises(TypeError, match=message):
        ModelReport(*arguments)


@pytest.mark.usefixtures("without_plots")
def test_highlight_reports_selected_model_and_rejects_unknown_name(tmp_path):
    models = {"a": evaluation_correct_at(range(40)), "b": evaluation_correct_at(range(50))}
    _, page = read(tmp_path, models, highlight="a")
    assert "Accuracy, a 66.7% 95% interval 54.1 to 77.3%; the model selected on" in page.text
    with pytest.raises(
        ValueError, match="`highlight` must be one of 'a', 'b'; received highlight='c'"
    ):
        write_report(tmp_path / "page.html", reports(models), highlight="c")


def test_model_report_accepts_keras_history(tmp_path):
    history = keras.callbacks.History()
    history.history, history.epoch = HISTORY, [0, 1]
    _, page = read(tmp_path, {"m": evaluation_correct_at(range(40))}, histories={"m": history})
    (image,) = (each for each in page.all("img") if "over the epochs" in each["alt"])
    assert "In the last epoch: accuracy 0.800, val_accuracy 0.700, loss 0.400" in image["alt"]


@pytest.mark.usefixtures("without_plots")
def test_report_note_appears_above_all_figures(tmp_path):
    _, page = read(
        tmp_path,
        {"a": evaluation_correct_at(range(40))},
        note="All of them were used for training.",
    )
    assert "Evaluation All of them were used for training. Accuracy 66.7%" in page.text


@pytest.mark.usefixtures("without_plots")
def test_write_report_accepts_same_images_in_different_folders(tmp_path):
    one, other = (
        Evaluation(["a", "b"], [0, 1], [[0.9, 0.1], [0.2, 0.8]], [f"{f}a/1.png", f"{f}b/2.png"])
        for f in ("", "/elsewhere/")
    )
    _, page = read(tmp_path, {"one": one, "other": other})
    assert "Models side by side" in page.text


@pytest.mark.usefixtures("without_plots")
def test_top_losses_label_correct_predictions_as_correct(tmp_path):
    _, page = read(tmp_path, {"a": evaluation_correct_at(range(59))})
    assert "1. image 59 dog cat 80.0%" in page.text
    assert "2. image 0 cat cat, correct 80.0%" in page.text


def test_heat_maps_explain_predicted_class(tmp_path, monkeypatch):
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for file in files:
        Image.new("RGB", (8, 8)).save(file)
    evaluation = Evaluation(["a", "b"], [0, 0, 1], [[0.2, 0.8], [0.9, 0.1], [0.7, 0.3]], files)
    asked = []

    def spy(model, images, classes):
        asked.append((model, classes))
        return np.zeros(images.shape[:3])

    monkeypatch.setattr(highest_losses, "grad_cam", spy)
    figure = highest_losses.top_losses_figure("the model", evaluation, files, (8, 8))
    assert asked == [("the model", [1, 0, 0])]  # of falling loss
    titles = [title for ax in figure.axes if (title := ax.get_title("left"))]
    shown = [title.partition(":")[0].partition(" (")[0] for title in titles]
    assert shown == ["1. b 80.0%, actually a", "2. a 70.0%, actually b", "3. a 90.0%, correct"]


def test_write_report_raises_when_path_is_not_writable():
    with pytest.raises(OSError, match="`path` must be a writable file"):
        write_report("/dev/null/page.html", ModelReport("m", ONE))


@pytest.mark.parametrize("name", ["new/pages/", "pages", "folder.html", "new/page.html"])
def test_report_is_written_to_a_file_or_into_a_folder(name, tmp_path):
    (tmp_path / "folder.html").mkdir()
    evaluation = evaluation_correct_at([1, 0])
    expected = tmp_path / name if name == "new/page.html" else tmp_path / name / "report.html"
    assert write_report(f"{tmp_path}/{name}", evaluation) == expected
    assert expected.read_text().startswith("<!DOCTYPE html>")


def test_report_is_not_written_to_a_file_with_another_ending(tmp_path):
    with pytest.raises(
        ValueError, match=r"`path` must be a folder, or a file that ends in \.html;"
    ):
        write_report(tmp_path / "page.pdf", evaluation_correct_at([1, 0]))
    assert list(tmp_path.iterdir()) == []
