"""Settings of every test: hypothesis profiles, seeds, a quiet process without windows."""

import contextlib
import gc
import os
import pwd
import resource
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")
# Otherwise a test would read the results of files that another test checked.
os.environ.setdefault("CATDOG_KERAS_CHECK_CACHE", "0")
if "KERAS_HOME" not in os.environ:  # the user's own ~/.keras is not for tests to fill
    _keras_home = tempfile.TemporaryDirectory(prefix="keras-home-")
    os.environ["KERAS_HOME"] = _keras_home.name

import hypothesis
import pytest

# Choose a profile with HYPOTHESIS_PROFILE or --hypothesis-profile. Compiling a model or drawing a
# figure takes longer than hypothesis's default deadline; benchmarks measure time, not tests.
in_ci = bool(os.environ.get("CI"))
common = {"deadline": None, "derandomize": in_ci, "print_blob": in_ci}
hypothesis.settings.register_profile("dev", max_examples=25, **common)
hypothesis.settings.register_profile("ci", max_examples=100, **common)
hypothesis.settings.register_profile("deep", max_examples=500, **common)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


# Tests over data, weights and packages that only some machines have.
SLOW_FOLDERS = {"clients", "real"}
# Fast tests that call models for a few steps: tracing these takes longer, and TensorFlow keeps
# 60 to 160 MB for each traced model. CI also runs them in graph mode, with `--graph-mode`.
EAGER_FOLDERS = {"contracts", "conversion", "evaluation", "models", "training"}


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marker
def pytest_collection_modifyitems(items) -> None:
    """Marks the tests of some folders as slow or eager."""
    for item in items:
        if item.path.parent.name in SLOW_FOLDERS:
            item.add_marker(pytest.mark.slow)
        if item.path.parent.name in EAGER_FOLDERS:
            item.add_marker(pytest.mark.eager)


def pytest_collection_finish() -> None:
    """Exempts what has been imported, and remains, from all further garbage collections."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser) -> None:
    """Adds --graph-mode."""
    parser.addoption(
        "--graph-mode", action="store_true", help="run tests marked as eager in graph mode, too"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    """Sets the mode before fixtures are set up, which also call models."""
    is_eager = item.get_closest_marker("eager") and not (
        item.get_closest_marker("graph")
        or item.get_closest_marker("slow")
        or item.config.getoption("graph_mode")
    )
    if not is_eager or os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return (yield)
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        return (yield)
    finally:
        tf.config.run_functions_eagerly(False)


class DeselectedByWorkers:
    """Reports how many tests were deselected when pytest-xdist runs them, which does not."""

    def __init__(self) -> None:
        self.count = 0

    def pytest_deselected(self, items) -> None:
        self.count += len(items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error) -> None:
        # Each worker collects, and deselects, all tests.
        self.count = max(self.count, getattr(node, "workeroutput", {}).get("deselected", 0))

    def pytest_sessionfinish(self, session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["deselected"] = self.count

    def pytest_terminal_summary(self, terminalreporter, config) -> None:
        if self.count and config.getoption("numprocesses", None):
            terminalreporter.write_line(
                f"{self.count} tests deselected (-m {config.option.markexpr!r})"
            )


def pytest_configure(config) -> None:
    """Registers the count of deselected tests, and makes Ctrl-C end child processes of tests."""
    config.pluginmanager.register(DeselectedByWorkers())
    # A shell starts background jobs with SIGINT ignored, and child processes inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Starts each test from the same Keras, NumPy and Python seeds, whatever ran before it."""
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def drawn_synthetic() -> Path:
    """A small embedded set where `load_cats_dogs("synthetic")` looks for the whole one."""
    from catdog_keras._keras_home import cache_directory
    from catdog_keras._publish import publish_folder
    from catdog_keras.datasets import synthetic

    folder = cache_directory() / f"synthetic-{synthetic.VERSION}"
    if not folder.exists():
        # The workers of pytest-xdist share the folder: it appears when it is complete.
        scratch = folder.with_name(f".{folder.name}-{os.getpid()}")
        synthetic.write_synthetic(scratch, train_per_class=40, validation_per_class=80)
        publish_folder(scratch, folder)
        shutil.rmtree(scratch, ignore_errors=True)  # another worker was faster
    images = sum(1 for _ in folder.rglob("*.jpg"))
    # A test that loads "synthetic" without this fixture draws the whole set, for all later tests.
    assert images == 2 * (40 + 80), f"{folder} holds {images} images: use this fixture everywhere"
    return folder


@pytest.fixture(scope="session")
def forked():
    """Runs programs in new processes that need not import anything; see `tests.forked`."""
    from tests.forked import Forked

    server = Forked()
    yield server
    server.close()


@pytest.fixture(scope="session")
def disturb():
    """Gives every weight of a model random values, gammas of either sign among them."""
    import numpy as np

    def run(model, seed=0):
        generator = np.random.default_rng(seed)
        for variable in model.weights:
            if variable.name == "moving_variance":
                values = generator.uniform(0.5, 2, variable.shape)
            elif variable.name == "gamma":
                values = generator.uniform(-1.5, 1.5, variable.shape)
            elif variable.name in ("moving_mean", "beta", "bias"):
                values = generator.normal(0, 0.2, variable.shape)
            else:
                continue
            variable.assign(values)
        return model

    return run


@pytest.fixture(scope="session")
def outputs_of():
    """Runs a model in inference, on the same random inputs each time, and returns arrays."""
    import keras
    import numpy as np

    def run(model):
        generator = np.random.default_rng(1)
        inputs = keras.tree.map_structure(
            lambda tensor: generator.uniform(-1, 1, (2, *tensor.shape[1:])).astype("float32"),
            model.inputs[0] if isinstance(model, keras.Sequential) else model.input,
        )
        outputs = model(inputs, training=False)
        return keras.tree.map_structure(
            lambda tensor: np.asarray(keras.ops.convert_to_numpy(tensor), np.float32), outputs
        )

    return run


@pytest.fixture
def no_home(monkeypatch) -> None:
    """A user without a home folder, as in `docker run --user 12345`."""

    def fail(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", fail)


@pytest.fixture(scope="session")
def full_disk() -> Callable[[], AbstractContextManager[None]]:
    """A context in which no file may grow beyond 1,000 bytes, as on a disk that is nearly full."""

    @contextmanager
    def limit() -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        try:
            yield
        finally:  # before pytest writes its own report, which may go to a longer file
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit
