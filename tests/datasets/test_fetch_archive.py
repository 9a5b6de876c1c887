"""Downloads: whole and the same as the first time, or not at all, with the reason."""

import gzip
import hashlib
import http.server
import shutil
import threading
import time
from pathlib import Path

import pytest

from catdog_keras import load_cats_dogs
from catdog_keras.datasets import _fetch_archive as download, _source as source
from catdog_keras.datasets._fetch_archive import fetch_archive
from tests.corpora.archives import zipped

ARCHIVE = zipped({"a.jpg": b"x"})
OTHER = zipped({"a.jpg": b"y"})


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch):
    """pooch waits a second longer before each new attempt."""
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.fixture
def serve():
    """Serves responses on loopback in order, repeating the last one; counts requests."""
    servers = []

    def start(*answers):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer = answers[min(start.requests, len(answers) - 1)]
                start.requests += 1
                answer(self)

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/images.zip"

    start.requests = 0
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def sends(content, status=200, announced=None, headers=()):
    """An answer with a body, whose length may be announced wrongly."""

    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content) if announced is None else announced))
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def closes_connection(handler):
    handler.connection.close()


def stalls(handler):
    """Announces more than it sends, and keeps the line open until the client gives up."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"PK")
    handler.wfile.flush()
    handler.connection.recv(1)


def sends_endless_body(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(bytes(2**16))
    except OSError:
        pass


def sends_invalid_http(handler):
    handler.wfile.write(b"220 mail.example ready\r\n")


def in_chunks(content, end):
    """An answer of unknown length; without the right end it is not whole."""

    def answer(handler):
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(content), content) + end)

    return answer


def fetch(url, folder):
    with pytest.warns(UserWarning, match="No published checksum for http://127"):
        return fetch_archive(url, folder)


def test_fetch_archive_downloads_once_and_records_checksum(tmp_path, serve):
    url = serve(sends(ARCHIVE))
    path = fetch(url, tmp_path)
    assert path == tmp_path / "images.zip"
    assert path.read_bytes() == ARCHIVE
    digest = hashlib.sha256(ARCHIVE).hexdigest()
    assert (tmp_path / "images.zip.sha256").read_text() == digest
    assert fetch_archive(url, tmp_path) == path  # and warns no more
    assert serve.requests == 1
    assert len(list(tmp_path.iterdir())) == 2


GOOD = {
    "a redirect": [
        sends(b"", 302, headers=[("Location", "/elsewhere/images.zip")]),
        sends(ARCHIVE),
    ],
    "failing once": [sends(b"busy", 503), sends(ARCHIVE)],
    "hanging up once": [closes_connection, sends(ARCHIVE)],
    "cut short once": [sends(ARCHIVE[:-5], announced=len(ARCHIVE)), sends(ARCHIVE)],
    "failing twice": [sends(b"busy", 503), closes_connection, sends(ARCHIVE)],
    "an unknown length": [in_chunks(ARCHIVE, b"0\r\n\r\n")],
    "compressed on the way": [
        sends(gzip.compress(ARCHIVE), headers=[("Content-Encoding", "gzip")])
    ],
}


@pytest.mark.parametrize("kind", GOOD)
def test_fetch_archive_handles_redirects_retries_and_encodings(tmp_path, serve, kind):
    assert fetch(serve(*GOOD[kind]), tmp_path).read_bytes() == ARCHIVE
    assert serve.requests == len(GOOD[kind])


BAD = {
    "a login page": (
        sends(b"<html>log in</html>"),
        "is not a zip archive; it may be a login or proxy page",
    ),
    "nothing": (sends(b""), "is not a zip archive"),
    "not found": (sends(b"gone", 404), r"could not be downloaded \(HTTPError\)"),
    "forbidden": (sends(b"no", 403), r"could not be downloaded \(HTTPError\)"),
    "broken": (sends(b"oops", 500), r"could not be downloaded \(HTTPError\)"),
    "hanging up": (closes_connection, r"could not be downloaded \(ConnectionError\)"),
    "cut short": (sends(ARCHIVE[:-5], announced=len(ARCHIVE)), "could not be downloaded"),
    "cut unannounced": (sends(ARCHIVE[:-5]), "is not a zip archive"),
    "longer than announced": (sends(ARCHIVE, announced=len(ARCHIVE) - 5), "is not a zip archive"),
    "broken chunks": (in_chunks(ARCHIVE, b"zz"), "could not be downloaded"),
    "no HTTP": (sends_invalid_http, r"could not be downloaded \(ConnectionError\)"),
    "redirect to a file": (
        sends(b"", 302, headers=[("Location", "file:///etc/hostname")]),
        r"could not be downloaded \(InvalidSchema\)",
    ),
    "stalling": (stalls, r"could not be downloaded \(ConnectionError\)"),
    "too large": (sends_endless_body, "sends more than 1,000,000 bytes: stopped"),
    "redirect in a circle": (
        sends(b"", 302, headers=[("Location", "/images.zip")]),
        r"could not be downloaded \(TooManyRedirects\)",
    ),
    "redirect to nowhere": (
        sends(b"", 302, headers=[("Location", "http://127.0.0.1:9/images.zip")]),
        r"could not be downloaded \(ConnectionError\)",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_failed_download_raises_and_leaves_no_file(tmp_path, serve, monkeypatch, kind):
    answer, reason = BAD[kind]
    if kind == "stalling":  # on a busy machine other answers may take longer than this
        monkeypatch.setattr(download, "DOWNLOAD_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(download, "MAX_DOWNLOAD_BYTES", 1_000_000)
    with pytest.raises(OSError, match=reason):
        fetch_archive(serve(answer), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_download_that_differs_from_pinned_checksum_raises(tmp_path, serve):
    url = serve(sends(ARCHIVE), sends(OTHER))
    fetch(url, tmp_path).unlink()
    with pytest.raises(OSError, match="differs from the first download, whose SHA-256"):
        fetch_archive(url, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["images.zip.sha256"]


def test_replaced_archive_on_disk_raises_until_deleted(tmp_path, serve):
    url = serve(sends(ARCHIVE))
    fetch(url, tmp_path).write_bytes(OTHER)
    with pytest.raises(OSError, match=r"it is damaged or was replaced\. Delete it"):
        fetch_archive(url, tmp_path)
    (tmp_path / "images.zip").unlink()
    assert fetch_archive(url, tmp_path).read_bytes() == ARCHIVE


def test_unreachable_host_raises_with_alternatives_and_leaves_no_file(tmp_path):
    with pytest.raises(OSError, match="could not be downloaded") as caught:
        fetch_archive("http://127.0.0.1:9/images.zip", tmp_path)
    assert 'give the path of the archive as `source`, or use source="synthetic"' in str(
        caught.value
    )
    assert list(tmp_path.iterdir()) == []


def test_missing_checksum_warning_points_to_caller(tmp_path, serve, cats_dogs, monkeypatch):
    archive = shutil.make_archive(str(tmp_path / "public"), "zip", cats_dogs.parent, "images")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(source, "CATS_DOGS_URL", serve(sends(Path(archive).read_bytes())))
    with pytest.warns(UserWarning, match="No published checksum for http://127") as caught:
        load_cats_dogs(image_size=(4, 4), batch_size=4)
    assert caught[0].filename == __file__
