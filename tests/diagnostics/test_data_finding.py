"""Findings about data: their text and their form in findings.json."""

import json

from catdog_keras.diagnostics import DataFinding


def test_text_names_kind_and_files() -> None:
    finding = DataFinding(
        "near_duplicate", (0, 4), 1.0, "The same image.", files=("a.jpg", "b.jpg")
    )
    assert str(finding) == "near_duplicate: a.jpg, b.jpg: The same image."


def test_dict_has_the_fields_of_findings_json() -> None:
    finding = DataFinding("label_issue", (2,), 0.9, "Wrong.", ("c.jpg",), "cat", "dog")
    assert json.loads(json.dumps(finding.to_dict())) == {
        "kind": "label_issue",
        "files": ["c.jpg"],
        "score": 0.9,
        "given": "cat",
        "likely": "dog",
        "text": "Wrong.",
    }
