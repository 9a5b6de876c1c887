"""The release workflow may publish in this project's name: everything it runs is pinned by hash."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"


@pytest.fixture(scope="module")
def workflow():
    """The text of the release workflow."""
    if not WORKFLOW.exists():
        pytest.skip("the source distribution does not contain the workflows")
    return WORKFLOW.read_text()


def test_release_workflow_runs_only_actions_pinned_by_commit(workflow):
    used = re.findall(r"uses: (\S+)", workflow)
    assert len(used) > 5
    assert all(re.search(r"@[0-9a-f]{40}$", name) or name.startswith("./") for name in used)


def test_release_workflow_installs_only_packages_pinned_by_hash(workflow):
    commands = re.findall(r"\binstall\b.*", workflow)
    assert len(commands) == 1
    assert all("--require-hashes" in command for command in commands)


def test_build_of_the_release_downloads_nothing(workflow):
    builds = re.findall(r".*-m build.*", (ROOT / ".ci" / "packages").read_text())
    assert builds
    assert all("--no-isolation" in build for build in builds)


def test_release_workflow_publishes_attestations(workflow):
    publisher = workflow[workflow.index("uses: pypa/gh-action-pypi-publish@") :]
    assert "attestations: true" in publisher


def test_dependencies_are_audited_every_week(workflow):
    audit = WORKFLOW.with_name("audit.yml").read_text()
    assert re.search(r"schedule:\s+- cron: \S+ \S+ \* \* \S+", audit)
    assert "nox -s audit" in audit
    assert "\ndef audit(" in (ROOT / "noxfile.py").read_text()
