"""Counts of the weights in a model file, before Keras reads it."""

import h5py
import pytest

from catdog_keras.cli.model_archive import MAX_DEPTH, _count_weights


def test_each_dataset_is_counted_once(tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as weights:
        weights["a/b"] = [[1.0, 2.0], [3.0, 4.0]]
        weights["c"] = [1, 2, 3]
        weights["same"] = weights["c"]
        weights["a/root"] = weights["/"]
        weights["soft"] = h5py.SoftLink("/c")
        weights["other"] = h5py.ExternalLink("missing.h5", "/c")
    with (tmp_path / "weights.h5").open("rb") as stream:
        assert _count_weights(stream, 1000) == 7


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, 3000])
def test_deeply_nested_groups_are_refused(depth, tmp_path):
    """At once: a name of each path from the root would take seconds for 3,000 groups."""
    with h5py.File(tmp_path / "weights.h5", "w") as weights:
        group = weights
        for _ in range(depth):
            group = group.create_group("a")
        group["values"] = [1.0]
    with (tmp_path / "weights.h5").open("rb") as stream:
        if depth == MAX_DEPTH:
            assert _count_weights(stream, 1000) == 1
        else:
            with pytest.raises(ValueError, match="more than 100 groups inside each other"):
                _count_weights(stream, 1000)
