"""Archives: whole or not at all, and never outside their folder."""

import http.server
import io
import stat
import threading
import zipfile

import pytest

from catdog_keras.datasets.archive import cache_directory, fetch_archive, unpack_archive


def _zip(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _link():
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return link


def _damaged():
    content = bytearray(_zip({"a.jpg": bytes(range(256)) * 40}))
    content[60] ^= 0xFF
    return bytes(content)


REJECTED = {
    "out of the folder": (_zip({"a/b.jpg": b"x", "../escape.jpg": b"x"}), "points out of"),
    "absolute": (_zip({"/etc/escape.jpg": b"x"}), "has an absolute name"),
    "drive": (_zip({"C:escape.jpg": b"x"}), "has an absolute name"),
    "backslash": (_zip({"a\\b.jpg": b"x"}), "has a name that is no plain path"),
    "link": (_zip({_link(): b"/etc/passwd"}), "is neither a file nor a folder"),
    "bomb": (_zip({"a.jpg": bytes(20_000_000)}), "times its packed size"),
    "file and folder": (
        _zip({"train/a.jpg": b"x", "train": b"x"}),
        "its member 'train/a.jpg' lies in a folder that is also a file",
    ),
    "no zip": (b"<html>log in</html>", "is no whole zip archive"),
    "damaged": (_damaged(), "is no whole zip archive"),
    "cut": (_zip({"a.jpg": b"x" * 1000})[:-30], "is no whole zip archive"),
}


@pytest.mark.parametrize("kind", REJECTED)
def test_bad_archives_are_rejected_whole(tmp_path, kind):
    content, reason = REJECTED[kind]
    archive = tmp_path / "pictures.zip"
    archive.write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        unpack_archive(archive, tmp_path / "cache")
    left = [path for path in tmp_path.rglob("*") if path not in (archive, tmp_path / "cache")]
    assert left == []


def test_unpacks_once_and_by_content(tmp_path):
    archive = tmp_path / "pictures.zip"
    archive.write_bytes(_zip({"top/a.jpg": b"one"}))
    first = unpack_archive(archive, tmp_path / "cache")
    assert (first / "top" / "a.jpg").read_bytes() == b"one"
    (first / "mark").touch()
    assert unpack_archive(archive, tmp_path / "cache") == first
    assert (first / "mark").exists()
    archive.write_bytes(_zip({"top/a.jpg": b"two"}))
    assert unpack_archive(archive, tmp_path / "cache") != first


@pytest.fixture
def serve():
    """Serves given bytes on loopback, and counts the requests."""
    servers = []

    def start(content, status=200):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                start.requests += 1
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/pictures.zip"

    start.requests = 0
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_downloads_once(tmp_path, serve):
    content = _zip({"a.jpg": b"x"})
    url = serve(content)
    path = fetch_archive(url, tmp_path)
    assert path == tmp_path / "pictures.zip"
    assert path.read_bytes() == content
    assert fetch_archive(url, tmp_path) == path
    assert serve.requests == 1


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"<html>log in</html>", 200, "is no zip archive, but perhaps the page of a login"),
        (b"gone", 404, r"could not be downloaded \(HTTPError\)"),
    ],
)
def test_what_is_no_archive_is_not_kept(tmp_path, serve, content, status, reason):
    with pytest.raises(OSError, match=reason):
        fetch_archive(serve(content, status), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_network_names_the_ways_out(tmp_path):
    with pytest.raises(OSError, match="could not be downloaded") as caught:
        fetch_archive("http://127.0.0.1:9/pictures.zip", tmp_path)
    assert 'give the path of the archive as `source`, or use source="synthetic"' in str(
        caught.value
    )
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_made_names_the_way_out(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match=r"cannot be made: Not a directory\. Set KERAS_HOME to a"):
        cache_directory()
