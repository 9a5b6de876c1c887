"""All checks together find planted faults, in the order of what matters, and obey decisions."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catdog_keras import load_image_folder, load_image_table
from catdog_keras.doctor import check_data
from catdog_keras.models import WeightsNotFoundError
from tests.doctor.planted import DARK, FLIPPED, SAME_SPLIT, TRAIN, TWIN, TWO_LABELS


def of_kind(report, kind):
    """Returns the findings of a kind."""
    return [finding for finding in report.findings if finding.kind == kind]


def test_near_duplicates_across_splits_come_first_then_those_with_two_labels(report):
    pairs = of_kind(report, "near_duplicate")
    assert [set(each.files) for each in pairs] == [set(TWIN), set(TWO_LABELS), set(SAME_SPLIT)]
    assert [int(each.score) for each in pairs[:2]] == [2, 1]
    assert pairs[0].text.startswith("In different splits (train and test): 2 images show")
    assert pairs[1].text.startswith("With different labels (cats and dogs): 2 images show")
    assert pairs[2].text.startswith("2 images show")


def test_border_of_one_class_and_dark_image_are_found_without_features(report):
    assert of_kind(report, "shortcut")[0].text.startswith("The border alone predicts the label")
    assert (DARK,) in [each.files for each in of_kind(report, "outlier")]


def test_without_weights_checks_that_need_features_are_left_out(report):
    assert report.label_issues is report.learning_curve is report.leakage is None
    assert len(report.left_out) == 5
    assert {"label issues", "learning curve"} < report.left_out.keys()
    assert "Left out: cropped, mirrored and rotated near-duplicates, label issues" in str(report)
    (leak,) = of_kind(report, "leakage")
    assert leak.files == (TWIN[1],)
    assert leak.text.startswith("1 image of 30 in test (3.3%, 95% interval 0.6 to 16.7%) has a")


def test_weights_that_are_not_found_leave_out_the_same_checks(splits, report, monkeypatch):
    def fail(*_, **__):
        raise WeightsNotFoundError("They are not here. Put them there, or use weights=None.")

    monkeypatch.setattr("catdog_keras.doctor._check_data.compute_features", fail)
    found = check_data(splits)
    assert found.left_out == dict.fromkeys(report.left_out, "They are not here. Put them there.")
    assert found.to_dict()["findings"] == report.to_dict()["findings"]


def test_with_features_wrong_label_is_found_and_its_effect_measured(full_report):
    issues = of_kind(full_report, "label_issue")
    found = {each.files[0]: (each.given, each.likely) for each in issues}
    assert found[FLIPPED] == ("dogs", "cats")
    assert full_report.left_out == {}
    assert full_report.learning_curve.findings[0] in full_report.findings
    assert (full_report.leakage.num_twins, full_report.leakage.num_images) == (1, 30)
    assert "a difference of" in of_kind(full_report, "leakage")[0].text


def test_findings_are_in_the_order_of_kinds_and_scores(full_report):
    kinds = [each.kind for each in full_report.findings]
    order = ["leakage", "near_duplicate", "shortcut", "label_issue", "outlier", "learning_curve"]
    assert kinds == sorted(kinds, key=order.index)
    for kind in order:
        scores = [each.score for each in of_kind(full_report, kind)]
        assert scores == sorted(scores, reverse=True)


def test_record_as_json_has_files_relative_to_folder(full_report, planted):
    content = json.loads(json.dumps(full_report.to_dict(), allow_nan=False))
    assert content["images"] == full_report.num_images == len(list(planted.rglob("*.*")))
    assert content["left_out"] == {}
    keys = {"kind", "files", "score", "given", "likely", "text"}
    for finding in content["findings"]:
        assert finding.keys() == keys
        assert all((planted / file).is_file() for file in finding["files"])


def test_root_makes_paths_relative_to_the_folder_that_was_passed(splits, planted):
    found = check_data(splits, weights=None, root=planted.parent)
    assert all(file.startswith(f"{planted.name}/") for file in found.files)


def decisions_file(planted, path, decisions):
    """Writes decisions: a choice, or the label of a relabeled image, by file."""
    images = {}
    for file, choice in decisions.items():
        digest = hashlib.sha256((planted / file).read_bytes()).hexdigest()
        label = {} if choice in ("fine", "exclude") else {"label": choice}
        decision = "relabel" if label else choice
        images[file] = {"decision": decision, "sha256": digest, **label}
    path.write_text(json.dumps({"version": 1, "images": images}), "utf-8")
    return path


def test_decisions_exclude_relabel_and_hide(splits, planted, report, tmp_path):
    chosen = {
        TWIN[1]: "exclude",
        TWO_LABELS[1]: "cats",
        **dict.fromkeys(SAME_SPLIT, "fine"),
        DARK: "fine",
    }
    file = decisions_file(planted, tmp_path / "decisions.json", chosen)
    found = check_data(splits, weights=None, decisions=file)
    assert found.num_images == report.num_images - 1
    assert TWIN[1] not in found.files
    (pair,) = of_kind(found, "near_duplicate")
    assert set(pair.files) == set(TWO_LABELS)
    assert "labels" not in pair.text
    assert not of_kind(found, "leakage")
    assert found.num_hidden == 2
    assert DARK not in [file for each in of_kind(found, "outlier") for file in each.files]


def test_one_fine_image_of_a_pair_does_not_hide_the_pair(splits, planted, tmp_path):
    file = decisions_file(planted, tmp_path / "decisions.json", {SAME_SPLIT[0]: "fine"})
    found = check_data(splits, weights=None, decisions=file)
    assert found.num_hidden == 0
    assert len(of_kind(found, "near_duplicate")) == 3


def test_splits_of_a_table_are_those_that_were_made(planted):
    """The names of folders have no meaning in a table, also if they are those of splits."""
    files = sorted(planted.rglob("*.jpg"))
    table = {"image": files, "label": [file.parent.name for file in files]}
    splits = load_image_table(table, root=planted, image_size=64)
    found = check_data(splits, weights=None)
    assert found.num_images == len(files)
    assert {*found._images.splits} == {"train", "validation", "test"}


@pytest.mark.filterwarnings("ignore:.*classes are not in each split")
def test_small_class_is_left_out_of_label_issues_only(planted, tmp_path):
    for kind, count in (("cats", 12), ("dogs", 12), ("foxes", 3)):
        (tmp_path / kind).mkdir()
        source = "dogs" if kind == "foxes" else kind
        for number in range(count):
            place = number + (12 if kind == "foxes" else 0)
            with Image.open(planted / f"train/{source}/{place}.jpg") as image:
                image.save(tmp_path / kind / f"{number}.jpg")
    splits = load_image_folder(tmp_path, image_size=64)
    found = check_data(splits, backbone="synthetic_small")
    assert "foxes" in found.left_out["label issues of 1 class"]
    assert len(found.label_issues.probabilities) == 24
    assert "at least 5 images of each class" not in str(found.left_out)
    curve = "It needs at least 100 images of 2 classes; there are 24. Add images."
    assert found.left_out["learning curve"] == curve


def test_label_issues_of_features_without_information_are_left_out(splits, monkeypatch, tmp_path):
    """Also on the page, which must not present the labels as right."""

    def noise(images, *_):
        return np.random.default_rng(1).normal(size=(len(images), 16)).astype(np.float32)

    monkeypatch.setattr("catdog_keras.doctor._check_data.compute_features", noise)
    found = check_data(splits)
    assert found.label_issues is None
    assert "better than by a guess" in found.left_out["label issues"]
    found.write_page(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "better than by a guess" in page
    assert re.search(r"label issues</t[hd]>\s*<td[^>]*>not run", page)


def test_near_duplicates_are_in_one_fold(splits, monkeypatch):
    received = {}

    def find(features, known, *_):
        received["groups"] = known.groups
        raise ValueError("not needed here")

    monkeypatch.setattr("catdog_keras.doctor._check_data.label_issues_of", find)
    found = check_data(splits, backbone="synthetic_small")
    assert found.left_out == {"label issues": "not needed here"}
    groups = dict(zip(found.files, received["groups"].tolist(), strict=True))
    for first, second in (TWIN, SAME_SPLIT, TWO_LABELS):
        assert groups[first] == groups[second]
    assert len(np.unique(received["groups"])) == found.num_images - 3


@pytest.mark.parametrize(
    ("arguments", "error", "reason"),
    [
        ({"splits": ["a.jpg"]}, TypeError, "`splits` must be the images that a loader returned"),
        ({"backbone": "mobilnet"}, ValueError, "`backbone` must be"),
        ({"backbone": 3}, TypeError, "`backbone` must be"),
        ({"weights": "synthetic"}, ValueError, "`weights` must be"),
        ({"weights": 3}, TypeError, "`weights` must be"),
        ({"weights": "none.h5"}, WeightsNotFoundError, "`weights` must be"),
        ({"seed": -1}, ValueError, "`seed` must be an integer of at least 0"),
        ({"seed": 0.5}, TypeError, "`seed` must be"),
        ({"root": 3}, TypeError, "`root` must be a path"),
        ({"decisions": "none.json"}, FileNotFoundError, "`decisions` must be a decisions file"),
    ],
)
def test_wrong_argument_is_an_error(splits, arguments, error, reason):
    with pytest.raises(error, match=reason):
        check_data(**{"splits": splits, "weights": None, **arguments})


def test_findings_count_all_images_once(full_report):
    assert full_report.num_images > TRAIN * 2
    assert len(set(full_report.files)) == full_report.num_images


@pytest.mark.parametrize("kind", ["replaced", "removed"])
def test_image_that_changed_since_loading_is_an_error_without_features(kind, planted, tmp_path):
    root = tmp_path / "images"
    shutil.copytree(planted / "train", root)
    splits = load_image_folder(root, image_size=64, near_duplicates="ignore")
    file = Path(splits.files["train"][0])
    file.unlink()
    if kind == "replaced":
        Image.new("RGB", (33, 33), "red").save(file)
    with pytest.raises(ValueError, match=f"{file.name}' has changed since it was checked"):
        check_data(splits, weights=None)
