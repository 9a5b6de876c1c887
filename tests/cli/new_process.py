"""Programs in a process of their own, with the log level of TensorFlow that users have."""

import os
import subprocess
import sys

from catdog_keras.cli import frameworks


def run_python(program, *arguments, stdin="", **environment):
    """Runs a program text; returns its status and output. `environment` adds variables."""
    variables = {name: value for name, value in os.environ.items() if name != frameworks.LEVEL}
    if "PYTHONPATH" in environment:  # it precedes that of the tests
        environment["PYTHONPATH"] += os.pathsep + variables.get("PYTHONPATH", "")
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**variables, **environment},
        input=stdin,
    )
