"""The training record of a run, as the file contains it."""

import json
from pathlib import Path


def read_record(folder: Path) -> dict:
    """Returns the content of `training.json` in the output folder of `train`."""
    return json.loads((folder / "training.json").read_text("utf-8"))
