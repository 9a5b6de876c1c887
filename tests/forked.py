"""Python processes that start at once: a server imports everything, and forks for each of them.

`python -m tests.forked SOCKET` is the server; it never starts a thread of TensorFlow. `Forked` starts
it, and runs programs by it. The server waits for one program before it starts the next.
"""

import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

# A program for the command line, so that commands of a shell are forked, too.
CLIENT = """#!{python} -ISu
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
    client.connect({address!r})
    request = ["-m", "catdog_keras", *sys.argv[1:]], os.getcwd(), dict(os.environ)
    socket.send_fds(client, [json.dumps(request).encode()], [0, 1, 2])
    status = json.loads(client.recv(1000))
sys.exit(status if status >= 0 else 128 - status)
"""


class Forked:
    """Runs programs in processes that have imported Keras, TensorFlow and the package."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="forked-")
        self._address = str(Path(self._folder.name, "socket"))
        log = Path(self._folder.name, "log")
        with log.open("w") as errors:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", self._address],
                cwd=Path(__file__).parents[1],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self._server.stdout.readline() == b"ready\n", log.read_text()
        self.commands = Path(self._folder.name, "bin")
        self.commands.mkdir()
        command = self.commands / "catdog-keras"
        command.write_text(CLIENT.format(python=sys.executable, address=self._address))
        command.chmod(0o755)

    def run(self, *arguments, env=None, cwd=None, text=False) -> subprocess.CompletedProcess:
        """Runs what `python ARGUMENTS...` runs, where the first argument is `-m` or `-c`."""
        request = list(map(str, arguments)), str(cwd or Path.cwd()), dict(env or os.environ)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with (
                Path(os.devnull).open() as nothing,
                socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client,
            ):
                descriptors = [nothing.fileno(), out.fileno(), err.fileno()]
                client.connect(self._address)
                socket.send_fds(client, [json.dumps(request).encode()], descriptors)
                status = json.loads(client.recv(1000))
            printed = []
            for file in (out, err):
                file.seek(0)
                printed.append(file.read().decode() if text else file.read())
        return subprocess.CompletedProcess(arguments, status, *printed)

    def close(self) -> None:
        """Ends the server, which has no process left."""
        self._server.kill()
        self._server.wait()
        self._server.stdout.close()
        self._folder.cleanup()


def serve(address: str) -> None:
    """Forks a process for each request, and answers with its status."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            client, _ = server.accept()
            with client:
                request, descriptors, *_ = socket.recv_fds(client, 2**20, 3)
                child = os.fork()
                if child == 0:
                    _run_and_exit(*json.loads(request), descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                with suppress(BrokenPipeError):  # of a client that was killed
                    client.send(json.dumps(status).encode())


def _run_and_exit(arguments, folder, environment, descriptors) -> None:
    """Runs a request in the forked process, as Python runs `-m` or `-c`, and exits."""
    from keras.src.backend import config

    status = 1
    try:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        config._KERAS_DIR = os.environ.get("KERAS_HOME", config._KERAS_DIR)  # read at import
        kind, program, *sys.argv[1:] = arguments
        if kind == "-m":
            import runpy

            runpy.run_module(program, run_name="__main__", alter_sys=True)
        else:
            exec(compile(program, "-c", "exec"), {"__name__": "__main__"})
        status = 0
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        else:
            status = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _import_all() -> None:
    """Imports what the programs of tests need, once, before processes are forked."""
    import io

    import keras  # noqa: F401
    import tensorflow  # noqa: F401
    from matplotlib.figure import Figure

    import catdog_keras.cli.evaluate
    import catdog_keras.cli.export
    import catdog_keras.cli.predict
    import catdog_keras.cli.scan
    import catdog_keras.cli.train
    import catdog_keras.doctor
    import catdog_keras.report
    import catdog_keras.tutorial  # noqa: F401

    Figure((1, 1)).savefig(io.BytesIO())  # imports what draws


if __name__ == "__main__":
    _import_all()
    gc.freeze()  # otherwise each process would look at all objects, and copy their memory
    serve(sys.argv[1])
