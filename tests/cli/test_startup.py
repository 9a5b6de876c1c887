"""The command line answers before Keras is imported, and TensorFlow's log lines are removed."""

import io
import json

import pytest
from PIL import Image

from catdog_keras.cli import stderr_filter
from catdog_keras.cli.group import commands
from tests.cli.new_process import run_python

HEAVY = {"keras", "tensorflow", "jax", "torch", "numpy", "h5py", "PIL", "matplotlib", "rich"}
# Runs `main` on each list of arguments that it reads, all in one process.
RUN_MANY = f"""
import contextlib, io, json, sys
from catdog_keras.cli import main
results, seen = [], set()
for arguments in json.load(sys.stdin):
    sys.argv[1:] = arguments
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    imported = {HEAVY!r} & set(sys.modules) - seen
    seen |= imported
    results.append((status, out.getvalue(), err.getvalue(), sorted(imported)))
json.dump(results, sys.stdout)
"""


def run_command(*arguments, **environment):
    """Runs the command in a new process."""
    program = "from catdog_keras.cli import main; main()"
    return run_python(program, *arguments, **environment)


@pytest.fixture(scope="module")
def run_light(tmp_path_factory):
    """Runs commands in one process; returns status, output, errors and heavy imports of each."""

    def run(cases):
        folder = tmp_path_factory.mktemp("light")
        program = f"import os; os.chdir({str(folder)!r}){RUN_MANY}"
        ended = run_python(program, stdin=json.dumps(cases))
        assert ended.stderr == ""
        assert list(folder.iterdir()) == []
        return json.loads(ended.stdout)

    return run


def test_help_does_not_import_heavy_packages(run_light):
    cases = [[*[command] * bool(command), "--help"] for command in ("", *commands.commands)]
    for case, (status, out, err, imported) in zip(cases, run_light(cases), strict=True):
        assert (case, status, err, imported) == (case, 0, "", [])
        assert out.startswith("Usage: ")


def test_backbones_does_not_import_heavy_packages(run_light):
    ((status, out, err, imported),) = run_light([["backbones"]])
    assert (status, err, imported) == (0, "", [])
    assert "efficientnet_v2_b0" in out


WRONG = [
    (["--version"], None),
    (["learn"], "No such command 'learn'. Did you mean 'train'?"),
    (["evalute", "a"], "No such command 'evalute'. Did you mean 'evaluate'?"),
    (["report"], "No such command 'report'. `train` writes a report, and `evaluate` does with"),
    (["check"], "No such command 'check'. Did you mean 'doctor' or 'scan'?"),
    (["zzzz"], "No such command 'zzzz'."),
    (["train", "DATA", "--unknown"], "No such option '--unknown'"),
    (["train"], "Missing argument 'DATA'"),
    (["tutorial", "--epochs", "many"], "'many' is not a valid integer"),
    (["tutorial", "--epochs", "0"], "0 is not in the range 1<=x<=2147483647"),
    (
        ["train", ".", "--output", "o", f"--fine-tune-epochs={10**20}"],
        f"{10**20} is not in the range",
    ),
    (["train", ".", "--output", "o", "--image-size=10001"], "10001 is not in the range"),
    (["predict", ".", ".", f"--batch-size={10**20}"], f"{10**20} is not in the range"),
    (["train", "DATA", "--output", "out"], "`DATA` must be an existing folder or zip archive"),
    (["train", ".", "--output", "", "--weights", "None"], "`--output` must be a path"),
    (["train", ".", "--output", "out", "--weights", "no.h5"], "There is no such file."),
    (["doctor", "DATA"], "`DATA` must be an existing folder or zip archive"),
    (["doctor", ".", "--weights", "no.h5"], "There is no such file."),
    (["doctor", ".", "--decisions", "no.json"], "`--decisions` must be a decisions file"),
    (["tutorial", "--data", "DATA"], "`--data` must be an existing folder or zip archive"),
    (["tutorial", "--weights", "no.h5"], "received --weights='no.h5'"),
    (["tutorial", "--output", __file__], "`--output` must be a writable folder"),
    (["evaluate", "MODEL", "."], "`MODEL` must be a file that holds a Keras model"),
    (["evaluate", __file__, "DATA"], "`DATA` must be an existing folder or zip archive"),
    (["evaluate", __file__, ".", "--report", __file__], "`--report` must be a writable folder"),
    (["predict", "MODEL", "a.png"], "`MODEL` must be a file that holds a Keras model"),
    (["predict", __file__, "no.zip"], "`IMAGE...` must be an existing folder or zip archive"),
    (["scan", "DATA"], "`DIRECTORY` must be a folder"),
]


def test_invalid_arguments_are_reported_before_heavy_imports(run_light):
    results = run_light([arguments for arguments, _ in WRONG])
    for (arguments, message), (status, _, err, imported) in zip(WRONG, results, strict=True):
        assert (arguments, status) == (arguments, 0 if message is None else 2)
        assert (arguments, imported) == (arguments, [])
        assert "Traceback" not in err
        if message is not None:
            assert message in err


@pytest.mark.slow  # imports Keras; the fast test below has a stub in its place
def test_unknown_keras_backend_is_reported(tmp_path):
    ended = run_command("scan", tmp_path, KERAS_BACKEND="unknown")
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: Keras could not be imported: ")
    assert ended.stderr.endswith("received 'unknown'.\n")
    assert len(ended.stderr.splitlines()) == 1


def test_error_of_an_incompatible_package_is_reported_in_one_sentence(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise AttributeError('numpy has no x.\\nmore')")
    program = "import sys; sys.argv[1:] = ['scan', '.']; from catdog_keras.cli import main; main()"
    ended = run_python(program, PYTHONPATH=str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: Keras could not be imported: numpy has no x. Install")
    assert len(ended.stderr.splitlines()) == 1


TINY = ["--backbone", "synthetic_small", "--image-size", "32", "--epochs", "1"]


# A fast test runs `scan`, on an image about which TensorFlow's decoder would write a line. `evaluate`
# does all that `predict` does.
@pytest.mark.slow
@pytest.mark.parametrize("command", ["tutorial", "train", "evaluate"])
def test_commands_print_no_tensorflow_log_lines(command, drawn, model, tmp_path):
    arguments = {
        # Imports everything, then fails: the classes are not cats and dogs.
        "tutorial": ["--data", drawn, "--output", tmp_path / "out"],
        # More than five traces of one function, about which TensorFlow's Python logger warns.
        "train": [drawn, "--output", tmp_path, *TINY, "--batch-size", "4", "--fine-tune-epochs=1"],
        "evaluate": [model, drawn, "--report", tmp_path / "report"],
    }
    ended = run_command(command, *arguments[command])
    if command == "tutorial":
        assert ended.returncode == 2
        assert ended.stderr.startswith("Error: `--data` must be ")
        assert len(ended.stderr.splitlines()) == 1
    else:
        assert ended.returncode == 0
        assert ended.stderr == ""


@pytest.mark.slow
def test_tf_cpp_min_log_level_of_user_is_kept(tmp_path):
    program = """
import os
from catdog_keras.cli.frameworks import import_frameworks
import_frameworks()
print(os.environ["TF_CPP_MIN_LOG_LEVEL"])
"""
    ended = run_python(program, TF_CPP_MIN_LOG_LEVEL="0")
    assert ended.stdout == "0\n"
    assert "oneDNN" in ended.stderr or "cuda" in ended.stderr


def test_copy_other_lines_removes_only_log_lines():
    removed = [
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
        "I0000 00:00:1795852615.666165    4497 port.cc:153] oneDNN custom operations are on.",
        "E0000 00:00:1758131045.203198 3722035 cuda_dnn.cc:8579] Unable to register cuDNN factory",
        "2025-09-17 14:44:05.157831: I external/xla/cudart_stub.cc:32] Could not find cuda drivers",
        "To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow",
        "Corrupt JPEG data: 3 extraneous bytes before marker 0xd9",
        "Premature end of JPEG file",
        "Warning: unknown JFIF revision number 9.09",
    ]
    kept = [
        "F0000 00:00:1795852615.666165    4497 cpu_feature_guard.cc:10] AVX is not available",
        "2025-09-17 14:44:05.157831: F tensorflow/core/guard.cc:32] AVX is not available",
        "Traceback (most recent call last):",
        '  File "a.py", line 1, in <module>',
        "Warning: 1 of 3 files could not be read as images",
        "Interrupted.",
        "",
        "Illegal instruction",
    ]
    lines = [line for pair in zip(kept, removed * 2, strict=False) for line in pair]
    rest = io.BytesIO()
    stderr_filter.copy_other_lines(io.BytesIO("\n".join(lines).encode()), rest)
    assert rest.getvalue().decode().splitlines() == kept


@pytest.mark.parametrize(("shown", "kept"), [("", []), ("E", [2]), ("WE", [1, 2, 3])])
def test_copy_other_lines_keeps_the_log_lines_of_a_level(shown, kept):
    lines = [
        b"I0000 00:00:1795852615.666165    4497 port.cc:153] oneDNN custom operations are on.\n",
        b"W0000 00:00:1795852615.666165    4497 port.cc:153] slow\n",
        b"E0000 00:00:1758131045.203198 3722035 cuda_dnn.cc:8579] no cuDNN factory\n",
        b"2025-09-17 14:44:05.157831: W external/xla/cudart_stub.cc:32] slow\n",
        b"Premature end of JPEG file\n",
    ]
    rest = io.BytesIO()
    stderr_filter.copy_other_lines(io.BytesIO(b"".join(lines)), rest, shown)
    assert rest.getvalue() == b"".join(lines[place] for place in kept)


@pytest.mark.slow
def test_level_of_the_user_also_holds_for_the_first_log_lines():
    program = "from catdog_keras.cli.frameworks import import_frameworks; import_frameworks()"
    for level in "123":
        ended = run_python(program, TF_CPP_MIN_LOG_LEVEL=level)
        assert "oneDNN" not in ended.stderr
        assert "cuda drivers" not in ended.stderr


@pytest.mark.parametrize(
    ("level", "printed"), [(None, False), ("0", True), ("1", True), ("2", False), ("3", False)]
)
def test_level_also_holds_for_warnings_of_the_python_code(level, printed, tmp_path):
    for module in ("tensorflow", "keras"):
        (tmp_path / f"{module}.py").touch()
    program = """
import logging, sys
from catdog_keras import cli
from catdog_keras.cli.frameworks import import_frameworks
sys.modules["catdog_keras.layers"] = cli  # the stub of Keras has no layers to register
import_frameworks()
logging.getLogger("tensorflow").warning("retracing")
logging.getLogger("tensorflow").error("failed")
"""
    levels = {} if level is None else {"TF_CPP_MIN_LOG_LEVEL": level}
    ended = run_python(program, PYTHONPATH=str(tmp_path), **levels)
    assert ended.returncode == 0
    assert ended.stderr.splitlines() == ["retracing"] * printed + ["failed"]


def test_stderr_of_crash_during_import_is_kept(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'I0000 00:00:1.5 7 port.cc:1] on\\nlast words\\n')\nos.abort()\n"
    )
    program = "from catdog_keras.cli.frameworks import import_frameworks; import_frameworks()"
    ended = run_python(program, PYTHONPATH=str(tmp_path))
    assert ended.returncode < 0
    assert ended.stderr == "last words\n"


def test_stderr_is_filtered_until_the_process_ends(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os; os.write(2, b'I0000 00:00:1.5 7 port.cc:1] on\\nduring\\n')"
    )
    (tmp_path / "keras.py").touch()
    program = """
import os
from catdog_keras import cli
from catdog_keras.cli.frameworks import import_frameworks
import sys
sys.modules["catdog_keras.layers"] = cli  # the stub of Keras has no layers to register
import_frameworks()
os.write(2, b"Corrupt JPEG data: 1 extraneous bytes\\nlast words\\n")
os.abort()
"""
    ended = run_python(program, PYTHONPATH=str(tmp_path))
    assert ended.returncode < 0
    assert ended.stderr == "during\nlast words\n"


def test_python_writes_to_the_terminal_and_not_through_the_filter(tmp_path):
    (tmp_path / "tensorflow.py").touch()
    (tmp_path / "keras.py").touch()
    program = """
import os, sys
from catdog_keras import cli
from catdog_keras.cli.frameworks import import_frameworks
sys.modules["catdog_keras.layers"] = cli
cli.open_streams()
before = os.fstat(2)
import_frameworks()
print(os.path.samestat(before, os.fstat(sys.stderr.fileno())), os.path.samestat(before, os.fstat(2)))
"""
    ended = run_python(program, PYTHONPATH=str(tmp_path))
    assert ended.stdout == "True False\n"


ASCII_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("encoding", [{}, {"PYTHONIOENCODING": "utf-8"}])
def test_command_starts_again_in_utf8_mode_where_names_are_ascii(encoding):
    program = """
import os, sys
from catdog_keras.cli.utf8_mode import ensure_utf8_names
ensure_utf8_names()
print(ascii(sys.argv[1:]), sys.flags.utf8_mode, os.environ["PYTHONUTF8"], sys.stdout.encoding)
"""
    ended = run_python(program, "kätz", "--help", **ASCII_LOCALE, **encoding)
    stdout = encoding.get("PYTHONIOENCODING", "ascii")
    assert (ended.stdout, ended.stderr) == (f"['k\\xe4tz', '--help'] 1 1 {stdout}\n", "")


def test_names_that_are_not_ascii_are_read_in_the_locale_c(tmp_path):
    for name in ("kätz", "猫"):
        Image.effect_noise((32, 32), 90).save(tmp_path / f"{name}.png")
    ended = run_command("scan", tmp_path, **ASCII_LOCALE)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("2 good")


def test_jpeg_files_with_superfluous_bytes_print_nothing(tmp_path):
    content = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(content, "JPEG")
    (tmp_path / "a.jpg").write_bytes(content.getvalue()[:-2] + b"x" * 40 + b"\xff\xd9")
    ended = run_command("scan", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
