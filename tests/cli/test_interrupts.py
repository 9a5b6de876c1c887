"""Ctrl-C, SIGTERM and SIGHUP end every command with one line and leave no unfinished files.

A child process sends the signal to itself at a chosen moment, so that no test depends on time.
"""

import shutil
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from catdog_keras import _publish, _scratch
from catdog_keras._signals import ENDING, interrupts_deferred
from catdog_keras._write_files import output_folder
from catdog_keras.cli import interrupts, scan
from catdog_keras.cli.group import commands
from catdog_keras.datasets import _inspect_files as inspection
from tests.cli.new_process import run_python

# The first argument is the module at whose import SIGINT is sent.
AT_IMPORT = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored
moment = sys.argv.pop(1)
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from catdog_keras.cli import main
main()
"""
# SIGINT is sent at the end of the first epoch.
IN_TRAINING = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored
from wrapt import register_post_import_hook
def patch(keras):
    keras.callbacks.CallbackList.on_epoch_end = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT)
register_post_import_hook(patch, "keras")
from catdog_keras.cli import main
main()
"""
TINY = ["--backbone", "synthetic_small", "--image-size", "32", "--batch-size", "4", "--no-report"]


def assert_interrupted(ended, status=130, stdout=""):
    """Asserts that a process printed one line and ended with the status of the signal."""
    assert ended.returncode == status, ended.stderr
    assert ended.stderr == "Interrupted.\n"
    assert ended.stdout == stdout


@pytest.mark.parametrize("moment", ["catdog_keras.cli.group", "click", "click.decorators"])
def test_interrupt_during_cli_import_exits_with_130(moment):
    assert_interrupted(run_python(AT_IMPORT, moment, "--help"))


@pytest.mark.parametrize(
    "moment",
    [
        "tensorflow",
        pytest.param("tensorflow.python.framework.ops", marks=pytest.mark.slow),
        pytest.param("keras.src.layers", marks=pytest.mark.slow),
        pytest.param("catdog_keras.datasets._pipeline", marks=pytest.mark.slow),
        # At the first progress bar, when the work has begun.
        pytest.param("rich.progress", marks=pytest.mark.slow),
    ],
)
def test_interrupt_before_training_exits_with_130_and_leaves_no_file(moment, drawn, tmp_path):
    output = tmp_path / "new" / "out"
    assert_interrupted(run_python(AT_IMPORT, moment, "train", drawn, "--output", output, *TINY))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "status"), [("INT", 130), ("TERM", 143), ("HUP", 129)])
def test_signal_during_training_keeps_earlier_results(ending, status, drawn, tmp_path, forked):
    output = tmp_path / "out"
    output.mkdir()
    (output / "model.keras").write_text("of an earlier run")
    program = IN_TRAINING.replace("SIGINT", f"SIG{ending}")
    ended = forked.run("-c", program, "train", drawn, "--output", output, *TINY, text=True)
    announced = f"At the end, the model in {output} is replaced. Ctrl-C keeps it.\n"
    assert_interrupted(ended, status, announced)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert {path.name for path in output.iterdir()} <= {"model.keras", "training-checkpoint"}
    assert (output / "model.keras").read_text() == "of an earlier run"


@pytest.mark.slow  # TensorFlow looks up the folder for temporary files once
def test_interrupted_process_removes_temporary_files_of_tensorflow(tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "traced.py").write_text(
        "import tensorflow as tf\n"
        "@tf.function\n"
        "def absolute(x):\n"
        "    return x if x > 0 else -x\n"
        "absolute(tf.constant(1.0))\n"
    )
    program = """
import os, sys
sys.path.insert(0, sys.argv[1])
import traced
from catdog_keras.cli.interrupts import exit_interrupted
print(os.listdir(sys.argv[2]))
exit_interrupted(130)
"""
    ended = run_python(program, tmp_path, temporary, TMPDIR=str(temporary))
    assert ended.returncode == 130, ended.stderr
    assert interrupts.AUTOGRAPH_PREFIX in ended.stdout
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("ending", "status"), [("TERM", 143), ("HUP", 129)])
def test_signal_during_cli_import_exits_with_its_status(ending, status):
    program = AT_IMPORT.replace("SIGINT", f"SIG{ending}")
    assert_interrupted(run_python(program, "click", "--help"), status)


def test_main_keeps_sighup_ignored_by_nohup():
    program = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from catdog_keras import cli
try:
    cli.main()
finally:
    print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)
"""
    assert run_python(program, "--version").stdout.splitlines()[-1] == "True"


@pytest.fixture
def sigint_handler(monkeypatch):
    """Installs what `main` installs, and forgets interrupts afterwards."""
    monkeypatch.setattr(interrupts, "_received", None)
    previous = signal.signal(signal.SIGINT, interrupts.exit_at_once)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("sigint_handler")
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, RuntimeError])
def test_interrupt_converted_to_another_exception_exits_with_130(error, monkeypatch, tmp_path):
    def interrupted_work(*_, **__):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise error("UNKNOWN: KeyboardInterrupt") from None

    monkeypatch.setattr("catdog_keras.datasets.scan_images", interrupted_work)
    ended = CliRunner().invoke(commands, ["scan", str(tmp_path)])
    assert ended.exit_code == 130
    assert ended.stderr == "Interrupted.\n"
    assert signal.getsignal(signal.SIGINT) is interrupts.exit_at_once


@pytest.mark.usefixtures("sigint_handler")
def test_interrupt_in_destructor_is_raised_again():
    class Interrupted:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    def work():
        with interrupts.handle_interrupts():
            Interrupted()
            threading.Event().wait(60)

    hook = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt):
        work()
    assert sys.unraisablehook is hook


# The first argument is what `scan` does in place of its work.
IN_CONSTRUCTOR = """
import os, signal, sys, types
from catdog_keras import cli
from catdog_keras.cli import scan
class Unfinished:
    def __init__(self, interrupted=True):
        if interrupted:
            os.kill(os.getpid(), signal.SIGTERM)
    def __del__(self):
        self.missing
def destroyed_at_the_end():
    Unfinished()
def destroyed_during_the_work():
    try:
        Unfinished()
    except KeyboardInterrupt:
        pass
    raise KeyboardInterrupt
def not_interrupted():
    Unfinished(interrupted=False)
    raise SystemExit(0)
work = globals()[sys.argv.pop(1)]
scan.import_frameworks = lambda: None
datasets = types.SimpleNamespace(scan_images=lambda *_, **__: work())
sys.modules["catdog_keras.datasets"] = datasets
cli.main()
"""


@pytest.mark.parametrize("moment", ["destroyed_at_the_end", "destroyed_during_the_work"])
def test_destructor_of_an_interrupted_constructor_prints_nothing(moment, tmp_path):
    assert_interrupted(run_python(IN_CONSTRUCTOR, moment, "scan", tmp_path), 143)


def test_exception_in_a_destructor_is_printed_without_an_interrupt(tmp_path):
    ended = run_python(IN_CONSTRUCTOR, "not_interrupted", "scan", tmp_path)
    assert ended.returncode == 0
    assert "Unfinished.__del__" in ended.stderr
    assert "no attribute 'missing'" in ended.stderr


@pytest.mark.usefixtures("sigint_handler")
def test_interrupt_is_raised_without_timer(monkeypatch):
    """As on Windows, which has neither SIGALRM nor setitimer."""
    with monkeypatch.context() as patched:
        patched.delattr(signal, "SIGALRM")
        patched.delattr(signal, "setitimer")
        patched.setattr(sys, "platform", "win32")
        with pytest.raises(KeyboardInterrupt), interrupts.handle_interrupts():
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is interrupts.exit_at_once


def test_main_keeps_sigint_ignored():
    program = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from catdog_keras import cli
try:
    cli.main()
finally:
    print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
"""
    assert run_python(program, "--version").stdout.splitlines()[-1] == "True"


# `__del__` of what lives until the end runs after Python has restored the default handlers.
AT_EXIT = """
import atexit, os, signal, sys
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)  # under nohup SIGHUP is ignored
from catdog_keras.cli import main
class Last:
    def __del__(self, kill=os.kill, process=os.getpid()):
        kill(process, NUMBER)
if DURING == "atexit":
    atexit.register(os.kill, os.getpid(), NUMBER)
else:
    sys.last = Last()
main()
"""


@pytest.mark.parametrize("ending", ENDING, ids=lambda number: number.name)
@pytest.mark.parametrize("moment", ["atexit", "finalization"])
def test_signal_at_exit_does_not_change_exit_code(ending, moment):
    program = AT_EXIT.replace("NUMBER", str(int(ending))).replace("DURING", repr(moment))
    ended = run_python(program, "--version")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_handle_interrupts_keeps_handler_not_installed_by_main():
    before = signal.getsignal(signal.SIGINT)
    with scan.handle_interrupts():
        assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("ending", ENDING, ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("owner", "moment", "others"),
    [
        (_publish, "_exchange_atomically", []),
        (shutil, "rmtree", []),
        (Path, "replace", ["mine"]),
        (Path, "unlink", ["mine"]),
    ],
    ids=["exchange", "rmtree", "replace", "unlink"],
)
def test_signal_during_publishing_is_deferred_until_all_files_exist(
    owner, moment, others, ending, tmp_path, monkeypatch
):
    original, received = getattr(owner, moment), []

    def interrupted(*arguments, **options):
        signal.raise_signal(ending)
        assert received == []
        return original(*arguments, **options)

    folder = tmp_path / "out"
    folder.mkdir()
    for name in ["a", "stale", *others]:
        (folder / name).write_text("old")
    previous = signal.signal(ending, lambda number, _: received.append(number))
    try:
        with output_folder(folder, ["stale", "a", "b", "c"]) as scratch:
            for name in ("a", "b", "c"):
                (scratch / name).write_text("new")
            monkeypatch.setattr(owner, moment, interrupted)
        assert received[0] == ending
    finally:
        signal.signal(ending, previous)
    contents = {path.name: path.read_text() for path in folder.iterdir()}
    assert contents == dict.fromkeys("abc", "new") | dict.fromkeys(others, "old")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_interrupt_during_output_folder_creation_removes_folder(tmp_path, monkeypatch):
    original = _scratch.tempfile.mkdtemp

    def interrupted(**options):
        made = original(**options)
        signal.raise_signal(signal.SIGINT)
        return made

    monkeypatch.setattr(_scratch.tempfile, "mkdtemp", interrupted)
    with pytest.raises(KeyboardInterrupt), output_folder(tmp_path / "new" / "out", []):
        pytest.fail("the work must not begin")
    assert list(tmp_path.iterdir()) == []


def test_deferred_interrupt_is_passed_once_to_previous_handler():
    received = []
    previous = signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    try:
        with interrupts_deferred():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            assert received == []
        assert received == [signal.SIGINT]
        with interrupts_deferred():
            pass
        assert received == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, previous)


def test_output_folder_works_outside_main_thread(tmp_path):
    def write():
        with output_folder(tmp_path, []) as folder:
            (folder / "a").touch()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_interrupt_of_inspect_files_skips_remaining_files(monkeypatch):
    inspected, ending = [], threading.Event()

    def inspect(path, thumbnails):
        inspected.append(path)
        if path != "0":
            ending.wait()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            ending.set()
            super().shutdown(wait=wait)

    @contextmanager
    def interrupted_bar(*_):
        def advance(_):
            raise KeyboardInterrupt

        yield advance

    monkeypatch.setattr(inspection, "inspect_file", inspect)
    monkeypatch.setattr(inspection, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(inspection, "progress_bar", interrupted_bar)
    with pytest.raises(KeyboardInterrupt):
        inspection.inspect_files([str(number) for number in range(1000)])
    assert len(inspected) < 1000
