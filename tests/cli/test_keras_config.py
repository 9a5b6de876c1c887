"""Wrong settings of Keras: one sentence that names the file or the variable, and no wait."""

import os
import threading
from contextlib import suppress

import pytest

from catdog_keras.cli.errors import InputError
from catdog_keras.cli.keras_config import check_keras_config


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The file of the settings of Keras, which does not exist yet."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return tmp_path / "keras.json"


WRONG = {
    b"[]": "it is not a JSON object, but []",
    b"5": "it is not a JSON object, but 5",
    b"null": "it is not a JSON object, but None",
    b"[" * 100_000: "it is not valid JSON: ",
    b"{": "it is not valid JSON: ",
    b'{"floatx": "\xff"}': "it is not UTF-8 text",
    b'{"floatx": "float99"}': "floatx must be 'float16', 'float32' or 'float64'; received 'float99'",
    b'{"floatx": []}': "floatx must be 'float16', 'float32' or 'float64'; received []",
    b'{"epsilon": 1}': "epsilon must be a number with a decimal point between 0 and 1",
    b'{"epsilon": NaN}': "epsilon must be a number with a decimal point between 0 and 1",
    b'{"epsilon": -1e-7}': "epsilon must be a number with a decimal point between 0 and 1",
    b'{"image_data_format": 7}': "image_data_format must be 'channels_last' or 'channels_first'",
    b'{"backend": "theano"}': "backend must be one of 'tensorflow', 'jax', 'torch'",
    b'{"backend": {}}': "backend must be one of 'tensorflow', 'jax', 'torch'",
    b'{"nnx_enabled": "yes"}': "nnx_enabled must be true or false; received 'yes'",
    b'{"floatx": "' + b"x" * 2**20 + b'"}': "it has more than 1,048,576 bytes",
}


@pytest.mark.parametrize(("content", "reason"), WRONG.items(), ids=range(len(WRONG)))
def test_wrong_settings_are_reported_with_the_file(content, reason, config, run):
    config.write_bytes(content)
    ended = run("scan", config.parent)
    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"Error: {str(config)!r}, the settings of Keras, cannot be used")
    assert reason in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"floatx": "float16", "epsilon": 1e-7, "backend": "jax", "other": [], '
        b'"image_data_format": "channels_first", "nnx_enabled": false}',
    ],
)
def test_settings_that_keras_accepts_are_accepted(content, config):
    config.write_bytes(content)
    check_keras_config()


def test_missing_settings_are_accepted(config):
    check_keras_config()


def test_backend_of_the_settings_is_not_checked_if_the_variable_replaces_it(config, monkeypatch):
    config.write_text('{"backend": "theano"}')
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    check_keras_config()
    monkeypatch.setenv("KERAS_BACKEND", "")
    with pytest.raises(InputError, match="theano"):
        check_keras_config()


def _write(fifo):
    """Writes an empty config to a FIFO, for a reader that may not come."""
    with suppress(BrokenPipeError):  # the reader ends without reading
        fifo.write_text("{}")


def test_fifo_is_reported_without_waiting_for_its_content(config):
    os.mkfifo(config)
    writer = threading.Thread(target=_write, args=[config], daemon=True)
    writer.start()  # a check that reads the file does not wait either, and fails the test
    try:
        with pytest.raises(InputError, match="it is not a regular file"):
            check_keras_config()
    finally:
        os.close(os.open(config, os.O_RDONLY | os.O_NONBLOCK))  # ends the thread


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda file: file.mkdir(), "it is not a regular file"),
        (lambda file: file.symlink_to(file), "Too many levels of symbolic links"),
    ],
    ids=["folder", "link to itself"],
)
def test_something_else_than_a_file_is_reported(make, reason, config):
    make(config)
    with pytest.raises(InputError, match=reason):
        check_keras_config()


def test_settings_are_read_in_the_home_folder_by_default(config, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(config.parent))
    (config.parent / ".keras").mkdir()
    (config.parent / ".keras" / "keras.json").write_text("[]")
    with pytest.raises(InputError, match=r"\.keras/keras\.json"):
        check_keras_config()


@pytest.mark.parametrize("name", ["KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"])
def test_variable_that_is_not_an_integer_is_reported(name, config, monkeypatch):
    monkeypatch.setenv(name, "2")
    check_keras_config()
    monkeypatch.setenv(name, "many")
    with pytest.raises(InputError, match=f"{name} must be an integer; received 'many'"):
        check_keras_config()
