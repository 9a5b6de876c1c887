"""Label issues are ranked as by cleanlab, of which the package uses nothing."""

import numpy as np
import pytest

from catdog_keras.diagnostics import find_label_issues


@pytest.mark.parametrize("classes", [2, 3])
def test_ranking_of_label_issues_equals_cleanlab(classes):
    rank = pytest.importorskip("cleanlab.rank", reason="cleanlab is not installed")
    labels = np.arange(300) % classes
    features = np.random.default_rng(0).normal(size=(300, 8)) + 2 * np.eye(classes, 8)[labels]
    labels[:12] = (labels[:12] + 1) % classes
    issues = find_label_issues(features, labels)
    scores = rank.get_label_quality_scores(labels, issues.probabilities, method="normalized_margin")
    found = [finding.indices[0] for finding in issues.findings]
    assert len(found) >= 6
    assert found == np.argsort(scores, kind="stable")[: len(found)].tolist()
