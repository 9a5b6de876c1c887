"""Kills a command before each of its file operations, and classifies the results.

`python -m tests.kill_points FOLDER CASE ...` prints the counts of each case as JSON, in its last
line. The program imports everything once and forks a process for each run, before TensorFlow has
started any thread.
"""

import hashlib
import io
import json
import os
import re
import shutil
import signal
import sys
import warnings
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import jinja2  # noqa: F401 - imported here once, and not by each run
import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from catdog_keras import ClassNames, Evaluation, evaluation
from catdog_keras._write_files import save_text
from catdog_keras.cli import evaluation_report, group, run_files, train, tutorial
from catdog_keras.cli.run_record import MODEL_FILE
from catdog_keras.datasets import (
    _fetch_archive,
    _image_cache,
    _image_splits,
    _load_images,
    _unpack_archive,
)
from catdog_keras.evaluation import _evaluation
from catdog_keras.report import _sections
from catdog_keras.training import _feature_store
from catdog_keras.tutorial import _run
from catdog_keras.tutorial._report import REPORT_FILE
from tests.cli.image_folders import CLASSES, draw

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
PART = "tests.kill_points.part"
NAMED = {"os.mkdir", "os.rename", "os.rmdir", "os.chmod", "os.utime", "os.remove", "shutil.rmtree"}
TRAIN = [
    "--backbone",
    "synthetic_small",
    "--weights",
    "None",
    "--image-size",
    "32",
    "--epochs",
    "1",
    "--no-report",
]


@dataclass
class Case:
    """Command in a folder that contains `images`, `images2` and `model/`.

    Attributes:
        arguments: Arguments of the command, or a function of the folder and the run's number.
        output: Folder of the results.
        earlier: Whether an earlier run has written results.
        other_files: Whether the output folder also contains a file of the user.
        damage: Function that changes the earlier results before each run.
        is_whole: Function of the output folder: whether all results are correct. It is called
            after one more run.
        first: The first kill point. Those before are the same as in another case.
    """

    arguments: object
    output: str = "out"
    earlier: bool = True
    other_files: bool = False
    damage: object = None
    is_whole: object = None
    first: int = 1


def run_with(*arguments):
    """Returns a function that runs the command with arguments; SEED in them becomes its number."""

    def run(root, number):
        os.chdir(root)
        words = [word.replace("SEED", str(number)) for word in arguments]
        group.commands(words, standalone_mode=False)

    return run


def save_manifest(root, number):
    """Writes a small JSON file by `save_text`, as manifests and evaluations are written."""
    (root / "out").mkdir(exist_ok=True)
    save_text(root / "out" / "split.json", json.dumps({"version": 1, "seed": number}))


def write_cache(root, number):
    """Writes the array cache of decoded images."""
    rows = np.full((3, 2, 2, 3), number, np.float32)
    _image_cache.cache_in_file(root / "out", ["a", "b", "c"], rows.shape, rows)


def zip_of_images():
    """Returns an archive of two files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("a.bin", "b.bin"):
            archive.writestr(zipfile.ZipInfo(name), name * 1000)
    return content.getvalue()


ARCHIVE = zip_of_images()
UNPACKED = f"unpacked/{hashlib.sha256(ARCHIVE).hexdigest()[:32]}"


def unpack(root, _):
    """Unpacks the archive into the cache of archives."""
    archive = root / "images" / "archive.zip"
    if not archive.exists():  # in the first run, which is not killed
        archive.write_bytes(ARCHIVE)
    _unpack_archive.unpack_archive(archive, root / "unpacked")


def damage_unpacked(folder):
    """Overwrites the unpacked files, which the next run has to notice."""
    for path in folder.iterdir():
        path.write_bytes(b"damaged")


def is_unpacked(folder):
    """Returns whether the unpacked files are complete."""
    return {path.name: path.read_text() for path in folder.iterdir()} == {
        name: name * 1000 for name in ("a.bin", "b.bin")
    }


def download(root, _):
    """Downloads the archive, without a network, and records its checksum."""

    def stream(_, path, __):  # in two parts, as they arrive
        with Path(path).open("wb", buffering=0) as file:
            write_in_parts(file, ARCHIVE)

    _fetch_archive._stream_to_file = stream
    with warnings.catch_warnings():  # of the checksum that is recorded
        warnings.simplefilter("ignore")
        _fetch_archive.fetch_archive("https://localhost/archive.zip", root / "out")


def is_downloaded(folder):
    """Returns whether the downloaded archive and its recorded checksum are correct."""
    digest = hashlib.sha256(ARCHIVE).hexdigest()
    recorded = (folder / "archive.zip.sha256").read_text().strip()
    return recorded == digest and (folder / "archive.zip").read_bytes() == ARCHIVE


FEATURES = np.arange(12, dtype=np.float32).reshape(4, 3)
KEYS = [bytes([number]) * _feature_store.KEY_BYTES for number in range(len(FEATURES))]


def write_features(root, _):
    """Writes features of images to the feature store, each in two parts."""
    store = _feature_store.FeatureStore((3,), root / "out", "head")
    open_new = store._open_new

    def open_unbuffered():
        file = open_new()
        file.write = lambda content: write_in_parts(file.raw, content)
        return file

    store._open_new = open_unbuffered
    missing = [row for row, key in enumerate(KEYS) if key not in store]
    store.add([KEYS[row] for row in missing], FEATURES[missing])
    store.close()


def has_features(folder):
    """Returns whether the feature store has all features, unchanged."""
    store = _feature_store.FeatureStore((3,), folder, "head")
    return all(key in store for key in KEYS) and np.array_equal(store[KEYS], FEATURES)


def write_in_parts(file, content):
    """Writes half of the content at a time; a process can also be killed in between."""
    for part in (content[: len(content) // 2], content[len(content) // 2 :]):
        sys.audit(PART)
        file.write(part)
    sys.audit(PART)


TRAINING = run_with("train", "images", "--output", "out", "--seed", "SEED", *TRAIN)
CASES = {
    "train": Case(TRAINING),
    # All of them write to a scratch folder first, and what becomes of it depends on the output.
    "train-first": Case(TRAINING, earlier=False, first=20),
    "train-with-other-files": Case(TRAINING, other_files=True, first=20),
    "evaluate": Case(run_with("evaluate", "model/model.keras", "images", "--report", "out")),
    "doctor": Case(run_with("doctor", "images", "--output", "out", "--weights", "None")),
    "tutorial": Case(
        run_with(
            *("tutorial", "--data", "cats_dogs", "--output", "out", "--seed", "SEED"),
            *("--image-size", "46", "--batch-size", "2", "--epochs", "1", "--weights", "None"),
        )
    ),
    "manifest": Case(save_manifest),
    "cache": Case(write_cache, earlier=False),
    "download": Case(download, earlier=False, is_whole=is_downloaded),
    "archive": Case(unpack, UNPACKED, earlier=False, is_whole=is_unpacked),
    "archive-damaged": Case(unpack, UNPACKED, damage=damage_unpacked, is_whole=is_unpacked),
    "features": Case(write_features, earlier=False, is_whole=has_features),
}


def write_inputs(root):
    """Writes images, and a model for the evaluation."""
    generator = np.random.default_rng(0)
    for index, name in enumerate(CLASSES):
        (root / "images" / name).mkdir(parents=True)
        for number in range(8):
            draw(index, generator).save(root / "images" / name / f"{number}.png")
    for split, count in (("train", 4), ("validation", 8)):
        for index, name in enumerate(("cats", "dogs")):
            (root / "cats_dogs" / split / name).mkdir(parents=True)
            for number in range(count):
                draw(index, generator).save(root / "cats_dogs" / split / name / f"{number}.png")
    run_forked(save_model, root, 0)


def replace_slow_steps():
    """Replaces what takes time and writes no file: training, reading of pixels, and drawing."""
    tf.config.run_functions_eagerly(True)  # tracing takes longer than a run
    history = {"loss": [1.0], "accuracy": [0.5], "val_loss": [1.0], "val_accuracy": [0.5]}
    train._build_transfer_model = lambda _, classes: flat_model((32, 32, 3), len(classes))
    train._fit_head_and_backbone = lambda *_: history
    train._evaluate_on_validation = lambda *_: None
    train._print_summary = lambda *_: None
    _image_splits.batched_dataset = _load_images.batched_dataset = lambda *_, **__: (
        SimpleNamespace()
    )
    evaluation.evaluate_classifier = _run.evaluate_classifier = uniform_evaluation
    _evaluation.with_files = lambda one, files: uniform_evaluation(
        None, None, class_names=one.class_names, files=files
    )
    tutorial._print_results_table = lambda *_: None
    two = list(_run.STEPS)[:2]
    _run.STEPS = dict.fromkeys(two, lambda settings, _: flat_model(settings.input_shape, 2))
    _run.train_to_best = lambda *_: (history, 1)
    _run.write_tutorial_report = lambda folder, *_: (folder / REPORT_FILE).write_text("report")
    Figure((1, 1)).savefig(io.BytesIO())  # imports what draws, which a run would do each time
    for module in (_run, _sections, evaluation_report):
        for name in vars(module):
            if name.startswith("plot_") or name == "top_losses_figure":
                setattr(module, name, lambda *_, **__: Figure((1, 1)))


def uniform_evaluation(_, dataset, *, class_names=None, files=None, **__):
    """An evaluation of a model that gives each class the same probability."""
    names = dataset.class_names if class_names is None else class_names
    labels = range(len(names)) if files is None else _labels_of(files, names)
    rows = np.full((len(labels), len(names)), 1 / len(names))
    return Evaluation(names, labels, rows, files)


def _labels_of(files, names):
    """The class of each file by its folder, which must not contradict its label."""
    return [names.index(Path(file).parent.name) for file in files]


def flat_model(shape, classes):
    """Returns an untrained model of one dense layer, which is fast to build."""
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes)]
    names = CLASSES if classes == len(CLASSES) else ("cats", "dogs")
    return keras.Sequential([*layers, ClassNames(names)])


def save_model(root, _):
    """Saves a model for `evaluate` and `predict`."""
    (root / "model").mkdir()
    flat_model((32, 32, 3), len(CLASSES)).save(root / "model" / MODEL_FILE)


def run_forked(action, *arguments, kill_at=None):
    """Runs `action` in a child; returns whether it was killed before operation `kill_at`."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if kill_at is not None:
                kill_before(arguments[0], kill_at)
            action(*arguments)
            status = 0
        except SystemExit as ended:
            status = ended.code or 0
        except BaseException as error:
            print(repr(error), file=sys.stderr)
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the run ended with status {status}")
    return status != 0


def kill_before(root, number):
    """Kills this process before its file operation `number` below `root`."""
    left = number

    def count(event, arguments):
        nonlocal left
        if is_operation(event, arguments, str(root)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def is_operation(event, arguments, root):
    """Returns whether an audit event is a change of a file below a folder."""
    if event == PART:
        return True
    if event == "ctypes.dlsym":
        return arguments[1] == "renameat2"
    if event == "open":
        path, _, flags = arguments
        return bool(flags & WRITES) and is_below(path, root)
    if event not in NAMED:
        return False
    # In shutil.rmtree names are relative to a descriptor, which is the last argument.
    relative = event in ("os.remove", "os.rmdir") and arguments[-1] != -1
    return relative or is_below(arguments[0], root)


def is_below(path, root):
    """Returns whether an argument of an audit event is a path below a folder."""
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    return Path(os.fsdecode(path)).absolute().is_relative_to(root)


def identify_files(folder):
    """Identifies each visible file by its inode and time."""
    if not folder.is_dir():
        return {}
    kept = (
        path
        for path in folder.iterdir()
        # The folder of an interrupted training's checkpoints is no result.
        if path.is_file() and not path.name.startswith(".") and path.name != "mine"
    )
    # Each process writes features to a file with a random name.
    return {
        re.sub("-[0-9a-f]{32}", "", path.name): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in kept
    }


def is_readable(folder):
    """Returns whether every JSON file and model can be read."""
    for path in folder.iterdir():
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        elif path.suffix == ".keras":
            zipfile.ZipFile(path).testzip()
    return True


def classify_output(folder, before, names):
    """Returns whether the results are those of the earlier run, of the new one, or a mix."""
    now = identify_files(folder)
    if now == before:
        return "old"
    if set(now) == names and not set(now.values()) & set(before.values()) and is_readable(folder):
        return "new"
    try:
        run_files._check_recorded_hashes(folder / MODEL_FILE)
    except ValueError:
        return "mix, refused"
    return "mix"


def leftovers(root):
    """Returns the temporary files below a folder."""
    return [path for path in root.rglob("*") if path.name.startswith((".", "tmp"))]


def kill_at_each_operation(case, root):
    """Returns the number of kill points by result, and of leftovers after one more run."""
    counts = Counter()
    output, earlier = root / case.output, root / "earlier"
    run_forked(case.arguments, root, 1)
    output.rename(earlier)
    names = set(identify_files(earlier))
    for kill_at in range(case.first, 1000):
        shutil.rmtree(output, ignore_errors=True)
        if case.earlier:
            shutil.copytree(earlier, output)
        if case.other_files:
            output.mkdir(exist_ok=True)
            (output / "mine").touch()
        if case.damage:
            case.damage(output)
        before = identify_files(output)
        if not run_forked(case.arguments, root, 2, kill_at=kill_at):
            break
        counts["kill points"] += 1
        counts[classify_output(output, before, names)] += 1
        counts["with leftovers after the kill"] += bool(leftovers(root))
        run_forked(case.arguments, root, 3)
        counts["with leftovers after one more run"] += bool(leftovers(root))
        after = identify_files(output)
        counts["not written by one more run"] += set(after) != names
        counts["not whole after one more run"] += bool(case.is_whole) and not case.is_whole(output)
        counts["lost files of the user"] += case.other_files and not (output / "mine").exists()
    return counts


if __name__ == "__main__":
    folder, *cases = sys.argv[1:]
    replace_slow_steps()
    counts = {}
    for case in cases:
        place = Path(folder).resolve() / case
        place.mkdir()
        write_inputs(place)
        counts[case] = kill_at_each_operation(CASES[case], place)
    print(json.dumps(counts))
