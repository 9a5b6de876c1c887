"""What every plot is held to: it leaves pyplot and its settings as they were."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

_close = plt.close


@pytest.fixture(autouse=True)
def untouched_pyplot(monkeypatch):
    """Fails a test after which a figure is open, a setting changed, or something was shown."""

    def forbidden(*_, **__):
        pytest.fail("plots are shown and closed by their users")

    monkeypatch.setattr(plt, "show", forbidden)
    monkeypatch.setattr(plt, "close", forbidden)
    before = mpl.rcParams.copy()
    yield
    changed = {key: before[key] for key in before if mpl.rcParams[key] != before[key]}
    opened = plt.get_fignums()
    _close("all")
    mpl.rcParams.update(changed)
    assert not changed
    assert not opened


@pytest.fixture
def pyplot_figure():
    """A figure of pyplot, as users make it, without a layout engine; closed after the test."""
    figure = plt.figure()
    yield figure
    _close(figure)
