"""Killed at any step, the next call heals; eight processes at once are all right.

The work itself is in `processes.py`, in a process that may fork: this one has threads.
"""

import hashlib
import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.corpora.archives import PLAIN, zipped

ROOT = Path(__file__).parents[2]


def assert_unpacked(folder):
    (unpacked,) = folder.iterdir()
    files = [file for file in unpacked.rglob("*") if file.is_file()]
    assert {str(file.relative_to(unpacked)): file.read_bytes() for file in files} == PLAIN


def assert_downloaded(folder):
    content = zipped(PLAIN)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        "images.zip": content,
        "images.zip.sha256": hashlib.sha256(content).hexdigest().encode(),
    }


def assert_decoded(folder):
    (file,) = folder.iterdir()
    np.testing.assert_array_equal(np.load(file), np.arange(2 * 4 * 4 * 3).reshape(2, 4, 4, 3))


def assert_manifest_written(folder):
    (file,) = folder.iterdir()
    files = [
        {
            "path": f"{n}.png",
            "label": 0,
            "split": "train",
            "size": n,
            "sha256": "00",
            "component": n,
        }
        for n in range(3)
    ]
    expected = {
        "version": 2,
        "class_names": ["cats", "dogs"],
        "label_source": "folders",
        "preparation": {},
        "files": files,
    }
    assert json.loads(file.read_text("utf-8")) == expected


CHECKS = {
    "unpack": assert_unpacked,
    "download": assert_downloaded,
    "cache": assert_decoded,
    "manifest": assert_manifest_written,
}


@pytest.fixture(scope="module")
def url():
    """The address of an archive on loopback."""
    content = zipped(PLAIN)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/images.zip"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_writers_recover_from_kills_and_support_8_concurrent_processes(tmp_path, url):
    ran = subprocess.run(
        [sys.executable, "-m", "tests.datasets.processes", str(tmp_path), url],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stderr
    done = json.loads(ran.stdout.splitlines()[-1])
    assert set(done) == set(CHECKS)
    kills, processes = zip(*done.values(), strict=True)
    assert sum(kills) >= 24
    assert set(processes) == {8}
    # The program compares the other results with these two.
    for name, check in CHECKS.items():
        check(tmp_path / f"{name}.alone")
        check(tmp_path / f"{name}.killed.{done[name][0]}")
