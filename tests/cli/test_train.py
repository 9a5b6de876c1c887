"""Training from the command line: a model, its split and its record, whole or not at all."""

import json
import shlex
import shutil
from html import escape
from pathlib import Path

import keras
import pytest

from catdog_keras import augmentation_preset, load_manifest, training
from catdog_keras.cli import run_folder, train as train_module
from catdog_keras.cli.run_folder import choose_run_folder, reserved_run_folder
from catdog_keras.datasets import _load_image_folder
from tests.cli.image_folders import CLASSES, PER_CLASS
from tests.cli.training_record import read_record

TINY = [
    *["--backbone", "synthetic_small", "--image-size", "32", "--batch-size", "4", "--epochs", "1"],
    "--no-report",
]

CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")


def test_train_evaluate_and_predict_agree_on_synthetic_classes(drawn, tmp_path, run):
    output = tmp_path / "out"
    ended = run("train", drawn, "--output", output, *TINY, "--epochs", "40")
    assert ended.exit_code == 0, ended.output
    names = {"model.keras", "training.json", "split.json"}
    assert {path.name for path in output.iterdir()} == names
    splits = load_manifest(output / "split.json", drawn, image_size=(32, 32))
    assert sum(map(len, splits.files.values())) == 3 * PER_CLASS
    record = read_record(output)
    assert record["counts"] == splits.counts
    assert record["ignored"] == {}
    settings = {"backbone": "synthetic_small", "weights": "pretrained", "seed": 0, "epochs": 40}
    assert settings.items() <= record["settings"].items()
    assert [len(curve) for curve in record["history"].values()] == [40] * 4
    assert record["environment"]["keras"] == keras.__version__
    # These classes differ in brightness: a linear head on the features separates them.
    assert max(record["history"]["val_accuracy"]) > 0.8
    lines = ended.stdout.splitlines()
    headings = ["head", "epoch", "loss", "accuracy", "validation", "loss", "validation", "accuracy"]
    assert lines[0].split() == headings
    history = record["history"]
    for epoch, line in enumerate(lines[1:41]):
        assert line.split() == [str(epoch + 1), *(f"{history[name][epoch]:.4f}" for name in CURVES)]
    assert lines[41].startswith("train          24 images: 8 <script>")
    assert lines[-3:] == [
        f"The model is {output / 'model.keras'}.",
        "For test metrics, run:",
        f"  catdog-keras evaluate {output / 'model.keras'} '{drawn}' --report {output}-test",
    ]
    judged = run("evaluate", output / "model.keras", drawn, "--split", "train", "--json")
    assert judged.exit_code == 0, judged.output
    told = json.loads(judged.stdout)
    assert told["accuracy"] > 0.8
    named = run("predict", output / "model.keras", *splits.files["train"], "--format", "json")
    right = [row["class"] in row["file"] for row in json.loads(named.stdout)]
    assert sum(right) / len(right) == told["accuracy"]


def test_train_uses_requested_augmentation_holdout_fraction_and_batch_size(
    drawn, tmp_path, run, monkeypatch
):
    load, loaded = _load_image_folder.load_folder, []

    def record_splits(*arguments, **options):
        loaded.append(load(*arguments, **options))
        return loaded[-1]

    monkeypatch.setattr(_load_image_folder, "load_folder", record_splits)
    options = ["--augmentation", "medium", "--holdout-fraction", "0.5", "--batch-size", "5"]
    ended = run("train", drawn, "--output", tmp_path, *TINY, *options)
    assert ended.exit_code == 0, ended.output
    record = read_record(tmp_path)
    assert record["counts"]["train"] == dict.fromkeys(sorted(CLASSES), PER_CLASS // 2)
    assert record["settings"]["holdout_fraction"] == 0.5
    assert record["settings"]["batch_size"] == 5
    assert [len(images) for images, _ in loaded[0].train] == [5, 5, 5, 3]
    model = keras.saving.load_model(tmp_path / "model.keras")
    made = model.get_layer("augmentation")
    assert made.get_config() == augmentation_preset("medium").get_config()
    assert made.get_config() != augmentation_preset("light").get_config()


def test_class_weight_reaches_both_trainings_and_history_has_the_epochs_of_both(
    drawn, tmp_path, run, monkeypatch
):
    weights = []

    def recorded(function):
        def call(*arguments, **options):
            weights.append(options["class_weight"])
            return function(*arguments, **options)

        return call

    for name in ("fit_head", "fine_tune"):
        monkeypatch.setattr(training, name, recorded(getattr(training, name)))
    options = ["--class-weight", "balanced", "--fine-tune-epochs", "2"]
    ended = run("train", drawn, "--output", tmp_path, *TINY, *options)
    assert ended.exit_code == 0, ended.output
    assert weights == ["balanced", "balanced"]
    record = read_record(tmp_path)
    assert record["settings"]["class_weight"] == "balanced"
    assert record["settings"]["fine_tune_epochs"] == 2
    lines = ended.stdout.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["head", "1", "fine-tuning", "1", "2"]
    assert set(record["history"]) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert [len(curve) for curve in record["history"].values()] == [3] * 4


def test_alpha_and_names_of_backbones_are_checked_before_the_images(drawn, tmp_path, run):
    for options, message in (
        (["--backbone", "ResNet50", "--alpha", "0.5"], "`--alpha` must be None for 'resnet50'"),
        (["--backbone", "MobileNetV2", "--alpha", "0.6"], "`--alpha` must be one of 0.35"),
        (["--backbone", "mobilnet"], "Did you mean 'mobilenet'"),
    ):
        ended = run("train", drawn, "--output", tmp_path / "out", *options)
        assert ended.exit_code == 2
        assert message in ended.stderr
        assert not (tmp_path / "out").exists()


def test_bad_images_are_reported_and_set_exit_code_if_strict(drawn, tmp_path, run):
    shutil.copytree(drawn, tmp_path / "some")
    bad = tmp_path / "some" / CLASSES[1] / "torn.png"
    bad.write_bytes(b"no image")
    ended = run("train", tmp_path / "some", "--output", tmp_path / "out", "--strict", *TINY)
    assert ended.exit_code == 1, ended.output
    assert (
        f"Warning: 1 of 37 files could not be read as images:\n  {bad}: not an image"
        in ended.stderr
    )
    assert read_record(tmp_path / "out")["ignored"] == {
        f"{CLASSES[1]}/torn.png": "not an image in any known format"
    }
    ended = run("train", tmp_path / "some", "--output", tmp_path / "no", "--on-bad", "raise", *TINY)
    assert ended.exit_code == 2
    assert not (tmp_path / "no").exists()


def test_report_shows_curves_and_validation_metrics(drawn, tmp_path, run):
    output = tmp_path / "out"
    ended = run("train", drawn, "--output", output, *TINY[:-1], "--epochs", "2")
    assert ended.exit_code == 0, ended.output
    names = {"model.keras", "training.json", "split.json", "report.html"}
    assert {path.name for path in output.iterdir()} == names
    assert f"The model is {output / 'model.keras'}, the report {output / 'report.html'}." in (
        ended.stdout
    )
    page = (output / "report.html").read_text("utf-8")
    command = escape(read_record(output)["command"]).replace("&#x27;", "&#39;")
    assert f"<td>{command}</td>" in page
    assert "The validation images selected the epoch" in page
    assert "Training" in page
    assert "synthetic_small" in page
    validation = read_record(output)["counts"]["validation"]
    assert f">{sum(validation.values())}</dd>" in page
    assert "stripes 猫/image" in page
    run("train", drawn, "--output", output, *TINY)
    assert not (output / "report.html").exists()  # it is of the earlier model


def test_default_output_is_a_new_folder_named_after_the_data(drawn, tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "my photos"
    data.symlink_to(drawn)
    for name in ("my photos", "my photos-2"):
        ended = run("train", "my photos", *TINY)
        assert ended.exit_code == 0, ended.output
        assert f"The model is runs/{name}/model.keras.\n" in ended.stdout
    command = shlex.split(ended.stdout.splitlines()[-1])
    assert run(*command[1:]).exit_code == 0
    names = ["my photos", "my photos-2", "my photos-2-test"]
    assert sorted(each.name for each in (tmp_path / "runs").iterdir()) == names


def test_default_output_inside_the_images_is_reported_as_the_option(drawn, run, monkeypatch):
    monkeypatch.chdir(drawn)
    ended = run("train", ".", *TINY)
    assert ended.exit_code == 2
    assert "`--output` must be a folder outside of the images; received --output=" in ended.stderr
    assert ended.stderr.endswith(" Pass `--output` with a folder elsewhere.\n")


def test_output_in_the_home_folder_gets_checkpoints_and_results(drawn, tmp_path, run, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ended = run("train", drawn, "--output=~/out", *TINY)
    assert ended.exit_code == 0, ended.output
    names = {"model.keras", "training.json", "split.json"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_default_output_of_resumed_training_is_the_last_interrupted_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert choose_run_folder("images.zip", resume=True) == "runs/images"
    for name in ("images", "images-2", "images-3", "images-4"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert choose_run_folder("images.zip", resume=True) == "runs/images-5"
    for name in ("images-2", "images-3"):
        (tmp_path / "runs" / name / "training-checkpoint").mkdir()
    assert choose_run_folder("images.zip", resume=True) == "runs/images-3"
    assert choose_run_folder("images.zip", resume=False) == "runs/images-5"
    (tmp_path / "runs" / "images-2" / "training-checkpoint").rmdir()
    (tmp_path / "runs" / "images-2").rmdir()  # numbers of removed folders are not used again
    assert choose_run_folder("images.zip", resume=True) == "runs/images-3"
    assert choose_run_folder("images.zip", resume=False) == "runs/images-5"
    for other in ("images-test", "images-02", "images-9-test", "other-7"):
        (tmp_path / "runs" / other).mkdir()
    assert choose_run_folder("/", resume=False) == "runs/images-5"
    assert choose_run_folder("images/..", resume=False) == f"runs/{tmp_path.name}"


def test_default_output_of_runs_at_the_same_time_differs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with reserved_run_folder("images", resume=False) as first:
        with reserved_run_folder("images", resume=False) as second:
            (Path(second) / "model.keras").touch()
        assert (first, second) == ("runs/images", "runs/images-2")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["images-2"]


def test_default_output_is_chosen_again_if_another_run_takes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = []

    def choose_late(data, **options):
        chosen.append(choose_run_folder(data, **options))
        Path(chosen[0]).mkdir(parents=True, exist_ok=True)  # by the other run
        return chosen[-1]

    monkeypatch.setattr(run_folder, "choose_run_folder", choose_late)
    with reserved_run_folder("images", resume=False) as output:
        assert output == "runs/images-2"
    assert chosen == ["runs/images", "runs/images-2"]


def test_interrupted_training_leaves_no_new_output_folder(drawn, tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train_module, "load_with_options", raise_interrupt)
    assert run("train", drawn, *TINY).exit_code != 0
    assert list(tmp_path.iterdir()) == []


def raise_interrupt(*_):
    raise KeyboardInterrupt


def test_same_seed_reproduces_training_history(drawn, tmp_path, run):
    def curves(name):
        options = ["--augmentation", "none", "--seed", "5"]
        ended = run("train", drawn, "--output", tmp_path / name, *TINY, *options)
        assert ended.exit_code == 0, ended.output
        return read_record(tmp_path / name)["history"]

    assert curves("first") == curves("second")
    model = keras.saving.load_model(tmp_path / "first" / "model.keras")
    assert "augmentation" not in [layer.name for layer in model.layers]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--backbone", "resnet1"],
            "`--backbone` must be a name from BACKBONES",
        ),
        (
            ["--image-size", "8"],
            "`--image-size` must be at least (32, 32, 3) for 'synthetic_small'",
        ),
        (["--weights", "none.h5"], "There is no such file.\n"),
        (
            ["--weights", "synthetic_small"],
            "There is no such file. To choose a network, pass its name as `--backbone`.",
        ),
        (
            ["--backbone", "mobilenet_v2", "--weights", "synthetic"],
            "To use the weights 'synthetic', pass --backbone='synthetic_small'.",
        ),
    ],
)
def test_invalid_option_is_reported_and_earlier_results_are_kept(
    options, message, drawn, tmp_path, run
):
    (tmp_path / "model.keras").write_text("of an earlier run")
    (tmp_path / "mine.txt").write_text("the user's own")
    ended = run("train", drawn, "--output", tmp_path, *TINY, *options)
    assert ended.exit_code == 2, ended.output
    assert ended.stderr.startswith("Error: ")
    assert message in ended.stderr
    assert (tmp_path / "model.keras").read_text() == "of an earlier run"
    assert {path.name for path in tmp_path.iterdir()} == {"model.keras", "mine.txt"}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["train", "URL", "--output", "out"], "DATA"),
        (["doctor", "URL", "--output", "out"], "DATA"),
        (["evaluate", "MODEL", "URL"], "DATA"),
        (["predict", "MODEL", "URL"], "IMAGE...[0]"),
        (["scan", "URL"], "DIRECTORY"),
        (["tutorial", "--data", "URL", "--output", "out"], "--data"),
    ],
)
def test_url_is_reported_with_what_to_do_instead(command, name, tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.keras").touch()
    url = "https://example.org/cats.zip"
    ended = run(*({"URL": url, "MODEL": "model.keras"}.get(each, each) for each in command))
    assert ended.exit_code == 2, ended.output
    assert f"received {name}='{url}'. URLs are not opened. Download the files" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_missing_data_dir_is_reported_and_creates_no_output(tmp_path, run):
    ended = run("train", tmp_path / "nowhere", "--output", tmp_path / "out", *TINY)
    assert ended.exit_code == 2
    assert ended.stderr == (
        f"Error: `DATA` must be an existing folder or zip archive; "
        f"received DATA='{tmp_path / 'nowhere'}'. Check the path.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_class_names_of_option_are_used_and_named_in_layout_error(tmp_path, run):
    for name in ("cats", "dogs", "test"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "0.png").touch()
    train = ["train", tmp_path / "data", "--output", tmp_path / "out", *TINY]
    ended = run(*train)
    assert ended.exit_code == 2
    assert "pass the names of all classes as `--class-name`" in ended.stderr
    ended = run(*train, "--class-name", "cats", "--class-name", "birds")
    assert ended.exit_code == 2
    assert "no folders ['birds'] of `--class-name`" in ended.stderr
