"""Killed at any step, the next call heals; eight processes at once are all right.

The work itself is in `processes.py`, in a process that may fork: this one has threads.
"""

import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.corpora.archives import PLAIN, zipped

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def url():
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
    assert set(done) == {"unpack", "download", "cache", "manifest"}
    kills, processes = zip(*done.values(), strict=True)
    assert sum(kills) >= 24
    assert set(processes) == {8}
