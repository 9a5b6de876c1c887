"""The package as a whole: its names, what importing it costs, and that its examples run."""

import ast
import doctest
import importlib
import inspect
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import pytest

import catdog_keras

ROOT = Path(__file__).parents[1]
PUBLIC = [
    "AugmentationPipeline",
    "AveragedMetrics",
    "BACKBONES",
    "BatchNormalization",
    "ClassMetrics",
    "ClassNames",
    "Comparison",
    "Comparisons",
    "ConvBlock",
    "Evaluation",
    "ExampleLoss",
    "FineTuneConfig",
    "ImageSplits",
    "LRFinderResult",
    "LabeledImages",
    "ModelReport",
    "PipelineFinding",
    "PipelineReport",
    "PrecisionRecallCurve",
    "Preprocessing",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "ReliabilityBin",
    "RocCurve",
    "ScanReport",
    "WeightsNotFoundError",
    "augmentation_preset",
    "baseline_accuracy",
    "build_model1",
    "build_model2",
    "build_model3",
    "check_pipeline",
    "count_labels",
    "evaluate_classifier",
    "export_model",
    "find_learning_rate",
    "fine_tune",
    "fit_head",
    "fold_batch_norm",
    "get_class_names",
    "grad_cam",
    "infer_input_range",
    "load_cats_dogs",
    "load_image_folder",
    "load_image_table",
    "load_images",
    "load_manifest",
    "plot_augmentation",
    "plot_comparison",
    "plot_confusion_matrix",
    "plot_grad_cam",
    "plot_history",
    "plot_images",
    "plot_label_counts",
    "plot_learning_curve",
    "plot_learning_rate",
    "plot_precision_recall",
    "plot_reliability",
    "plot_roc",
    "plot_top_losses",
    "predict_probabilities",
    "predict_tta",
    "scan_images",
    "strip_augmentation",
    "transfer_model",
    "use_fused_batch_norm",
    "wilson_interval",
    "write_report",
]
# Public names that only their subpackage has: common words, which would mean little at the top, the
# checks of data, and the export.
ONLY_IN_SUBPACKAGE = {
    "DataFinding",
    "DataReport",
    "ExportMetadata",
    "ExportMismatchError",
    "ExportReport",
    "LabelIssues",
    "LeakageEffect",
    "LearningCurve",
    "NearDuplicatePair",
    "NearDuplicates",
    "Outlier",
    "Outliers",
    "PropertyScore",
    "Shortcuts",
    "calibrate",
    "check_data",
    "compare",
    "extract_features",
    "find_label_issues",
    "find_near_duplicates",
    "find_outliers",
    "find_shortcuts",
    "leakage_effect",
    "learning_curve",
    "read_metadata",
}
SUBPACKAGES = (
    "conversion",
    "datasets",
    "diagnostics",
    "doctor",
    "evaluation",
    "layers",
    "models",
    "plotting",
    "report",
    "training",
)


def in_new_process(program, *arguments, **environment):
    """Runs a program text in a new process; returns its output."""
    return subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    ).stdout


def test_public_names_match_expected_list():
    assert sorted(catdog_keras.__all__) == sorted([*PUBLIC, *SUBPACKAGES, "tutorial"])
    assert all(hasattr(catdog_keras, name) for name in PUBLIC)


def test_subpackage_names_are_available_at_top_level():
    for subpackage in SUBPACKAGES:
        module = importlib.import_module(f"catdog_keras.{subpackage}")
        for name in {*module.__all__} - ONLY_IN_SUBPACKAGE:
            assert getattr(catdog_keras, name) is getattr(module, name)
    assert not ONLY_IN_SUBPACKAGE & {*PUBLIC, *dir(catdog_keras)}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_same_object_as_in_its_subpackage(name):
    (subpackage,) = (
        each
        for each in SUBPACKAGES
        if name in importlib.import_module(f"catdog_keras.{each}").__all__
    )
    public = getattr(importlib.import_module(f"catdog_keras.{subpackage}"), name)
    assert getattr(catdog_keras, name) is public
    if callable(public):
        assert pickle.loads(pickle.dumps(getattr(catdog_keras, name))) is public


def test_dir_lists_all_names_and_unknown_name_raises():
    assert {*PUBLIC, *SUBPACKAGES} <= set(dir(catdog_keras))
    with pytest.raises(
        AttributeError, match=r"no attribute 'convblock'\. Did you mean .*ConvBlock`"
    ):
        catdog_keras.convblock  # noqa: B018


def imported_by(statement):
    """Names of the top-level modules that a statement imports in a new process."""
    program = (
        f"import sys; before = set(sys.modules); {statement};"
        "print(' '.join({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    return set(in_new_process(program).split())


def test_importing_package_loads_only_lazy_loader_and_stdlib():
    brought = imported_by("import catdog_keras")
    assert brought - sys.stdlib_module_names == {"catdog_keras", "lazy_loader"}
    # Until the command line handles Ctrl-C, an interrupt prints a traceback: this must be short.
    assert not brought & {"asyncio", "dataclasses", "inspect", "ssl"}


def test_importing_datasets_loads_neither_keras_nor_tensorflow():
    brought = imported_by("import catdog_keras.datasets")
    assert "numpy" in brought
    assert not brought & {"keras", "tensorflow", "PIL", "matplotlib", "rich"}


def test_imported_by_lists_third_party_modules():
    brought = imported_by("import catdog_keras; import rich.progress")
    assert {"catdog_keras", "lazy_loader", "rich"} <= brought


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    """A saved model with three layers of the package."""
    layers = [
        keras.Input((46, 46, 3)),
        catdog_keras.RandomAffine(),
        catdog_keras.Preprocessing("signed"),
        catdog_keras.ConvBlock(4),
    ]
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    keras.Sequential(layers).save(path)
    return str(path)


LAYERS_OF_SAVED_MODEL = ["RandomAffine", "Preprocessing", "ConvBlock"]
LOAD = """
model = load(sys.argv[1])
print(*(type(layer).__name__ for layer in model.layers))
"""


@pytest.mark.slow  # a new process; those of the fast tests import the package first
def test_importing_after_keras_loads_only_stdlib_and_model_loads(saved_model):
    program = f"""
import sys, keras
before = set(sys.modules)
import catdog_keras
print(*{{name.split('.')[0] for name in set(sys.modules) - before}})
load = keras.saving.load_model
{LOAD}"""
    *_, brought, loaded = in_new_process(program, saved_model).splitlines()
    brought = set(brought.split()) - {"catdog_keras", "lazy_loader"}
    assert brought <= sys.stdlib_module_names, brought - sys.stdlib_module_names
    assert loaded.split() == LAYERS_OF_SAVED_MODEL


@pytest.mark.parametrize("first", [pytest.param("other", marks=pytest.mark.slow), "ours"])
def test_import_hook_works_with_other_import_hook_on_keras(first, saved_model):
    hooks = {
        "other": "import wrapt; wrapt.register_post_import_hook(lambda m: print(m.__name__), 'keras')",
        "ours": "import catdog_keras",
    }
    second = next(each for each in hooks if each != first)
    program = f"""
{hooks[first]}
{hooks[second]}
import sys, keras
load = keras.saving.load_model
print(type(keras.__loader__).__name__, type(keras.__spec__.loader).__name__)
{LOAD}"""
    name, loaders, loaded = in_new_process(program, saved_model).splitlines()
    assert name == "keras"
    assert "_RegisteringLoader" not in loaders
    assert loaded.split() == LAYERS_OF_SAVED_MODEL


@pytest.mark.slow
def test_saved_model_loads_through_tensorflow_after_bare_import(saved_model):
    program = f"""
import sys, catdog_keras, tensorflow
load = tensorflow.keras.models.load_model
{LOAD}"""
    assert in_new_process(program, saved_model).splitlines()[-1].split() == LAYERS_OF_SAVED_MODEL


@pytest.mark.slow
def test_threads_import_keras_and_package_concurrently_and_model_loads(saved_model):
    program = f"""
import sys, threading
import catdog_keras
barrier, names = threading.Barrier(4), []
def run(action):
    barrier.wait()
    names.append(action())
def import_keras():
    import keras
    return keras.Layer.__name__
def import_layers():
    from catdog_keras.layers import ConvBlock
    return ConvBlock.__name__
actions = [import_keras, import_layers, lambda: catdog_keras.Preprocessing.__name__,
           lambda: catdog_keras.datasets.load_cats_dogs.__name__]
threads = [threading.Thread(target=run, args=[action]) for action in actions]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*names)
import keras
load = keras.saving.load_model
{LOAD}"""
    *_, names, loaded = in_new_process(program, saved_model).splitlines()
    assert sorted(names.split()) == ["ConvBlock", "Layer", "Preprocessing", "load_cats_dogs"]
    assert loaded.split() == LAYERS_OF_SAVED_MODEL


@pytest.mark.slow
def test_any_module_can_be_imported_first():
    """Keras imports the layers when it is imported: no module they need may be half imported."""
    program = """
import importlib, pkgutil, sys
import keras, catdog_keras
from catdog_keras import _backend
packages = pkgutil.iter_modules(catdog_keras.__path__, "catdog_keras.")
shared = pkgutil.iter_modules(_backend.__path__, "catdog_keras._backend.")
for name in [module.name for module in (*packages, *shared) if "__main__" not in module.name]:
    for loaded in [n for n in sys.modules if n == "keras" or n.split(".")[0] == "catdog_keras"]:
        del sys.modules[loaded]
    importlib.import_module(name)
    import keras
    print(name, hasattr(sys.modules["catdog_keras.layers"], "ConvBlock"))
"""
    lines = in_new_process(program).splitlines()
    assert len(lines) > 20
    assert {line.split()[1] for line in lines} == {"True"}


# tests/contracts runs the examples of the layers, on every backend.
LAYERS = {name for name in catdog_keras.layers.__all__ if name[0].isupper()}
# These train or build a network of keras.applications.
SLOW_EXAMPLES = {"use_fused_batch_norm", "fine_tune", "fit_head"}
# What is exported is a graph; the other models run for a step or two.
OF_GRAPHS = {"ExportMetadata", "ExportReport", "export_model", "read_metadata"}
EXAMPLES = [
    pytest.param(
        name,
        marks=pytest.mark.slow
        if name in SLOW_EXAMPLES
        else pytest.mark.graph
        if name in OF_GRAPHS
        else pytest.mark.eager,
    )
    for name in sorted({*PUBLIC, *ONLY_IN_SUBPACKAGE} - {"BACKBONES"})  # a dictionary
    if name not in LAYERS
]


@pytest.fixture
def closed_figures():
    """Closes the figures of pyplot that an example leaves open."""
    yield
    plt.close("all")


@pytest.mark.usefixtures("closed_figures")
@pytest.mark.parametrize("name", EXAMPLES)
def test_public_name_is_documented_and_its_example_runs(name, drawn_synthetic):
    ck = catdog_keras
    packages = [ck, ck.conversion, ck.diagnostics, ck.doctor, ck.evaluation]
    public = next(getattr(package, name) for package in packages if hasattr(package, name))
    text = inspect.getdoc(public)
    assert text
    assert text.splitlines()[0].endswith((".", "?"))
    examples = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert 0 < len(examples.examples) < 12  # lines; more belong on a page
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said = []
    runner.run(examples, out=said.append)
    assert runner.failures == 0, "".join(said)
    if inspect.isfunction(public):
        for parameter in inspect.signature(public).parameters:
            assert re.search(rf"^\s+\*{{0,2}}{parameter}: ", text, re.MULTILINE), parameter


@pytest.mark.parametrize(
    "name",
    ["load_cats_dogs", "ConvBlock", "build_model1", "transfer_model", "fit_head", "fine_tune"],
)
def test_see_also_of_headline_name_lists_other_public_names(name):
    text = inspect.getdoc(getattr(catdog_keras, name))
    assert len(see_also(text)) >= 2


def test_see_also_sections_list_only_other_public_names():
    found = {name: see_also(inspect.getdoc(getattr(catdog_keras, name))) for name in PUBLIC}
    for name, others in found.items():
        assert set(others) <= set(PUBLIC) - {name}, name
    assert sum(map(bool, found.values())) > 20


def see_also(text):
    """The names in the section "See also" of a docstring."""
    section = re.search(r"\nSee Also:\n((?:    .+\n)+)", f"{text}\n")
    return re.findall(r"^    `(\w+)`: ", section[1], re.MULTILINE) if section else []


def test_every_function_and_class_says_what_it_does_under_a_name_of_its_own():
    """So that a reader finds it, private ones too; overloads repeat the name of their function."""
    package = Path(catdog_keras.__file__).parent
    undocumented, files = [], {}
    for file in sorted(package.rglob("*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            if any("overload" in ast.unparse(each) for each in node.decorator_list):
                continue
            files.setdefault(node.name, []).append(str(file.relative_to(package)))
            if not ast.get_docstring(node):
                undocumented.append(node.name)
    assert undocumented == []
    assert {name: where for name, where in files.items() if len(where) > 1} == {}


def test_version_matches_installed_metadata():
    installed = importlib.metadata.version("catdog-keras")
    assert installed == catdog_keras.__version__


def test_every_layer_is_registered_under_package_name():
    for name in catdog_keras.layers.__all__:
        if not inspect.isclass(getattr(catdog_keras, name)):
            continue  # `augmentation` returns one of them
        registered = keras.saving.get_registered_name(getattr(catdog_keras, name))
        assert registered == f"catdog_keras>{name}"


def test_source_does_not_use_keras_src():
    for path in (ROOT / "src").rglob("*.py"):
        assert "keras.src" not in path.read_text("utf-8"), path


def test_foreign_private_attributes_are_used_only_in_keras_internals():
    """Every private attribute in the source is defined there, with one place of exceptions."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in (ROOT / "src").rglob("*.py")}
    defined, used = set(), {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                defined.add(node.name)
            elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
                defined.add(node.id if isinstance(node, ast.Name) else node.attr)
            elif isinstance(node, ast.alias):
                defined.add(node.asname or node.name.split(".")[-1])
            elif isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr):
                used.setdefault(node.attr, set()).add(path.name)
    foreign = {name: files for name, files in used.items() if name not in defined}
    del foreign["_exit"]  # of `os`, where it is public
    del foreign["_cdata"]  # of PyTorch's storages; a test of the trace holds it
    assert foreign == {
        name: {"keras_internals.py"}
        for name in (
            *("_flatten_layers", "_get_call_context", "_get_variable_index"),
            "_maybe_reset_call_context",
        )
    }


def test_modules_of_public_packages_are_private():
    """The public path of a name is its package: `catdog_keras.layers.ConvBlock`."""
    package = ROOT / "src" / "catdog_keras"
    modules = [
        path.relative_to(package)
        for name in (*SUBPACKAGES, "tutorial")
        for path in (package / name).rglob("*.py")
    ]
    assert len(modules) > 80
    assert [str(path) for path in modules if not path.name.startswith("_")] == []
    named_like_a_package = {"synthetic"}  # a public package inside another one
    folders = {part for path in modules for part in path.parts[1:-1]}
    assert {name for name in folders if not name.startswith("_")} == named_like_a_package
