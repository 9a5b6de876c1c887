"""The page of decisions in a browser: images are marked by mouse and keyboard, and saved."""

import json
import time
import warnings
from pathlib import Path

import pytest

from catdog_keras import fit_head, load_image_folder, transfer_model
from catdog_keras.datasets._decisions import read_decisions
from tests.browser import DESK, PHONE, show, start_browser
from tests.doctor.planted import FLIPPED, TWIN

SPACE, DOWN = "\ue00d", "\ue015"


@pytest.fixture(scope="module")
def address(full_report, tmp_path_factory):
    """The address of the page with all findings."""
    page = tmp_path_factory.mktemp("page") / "report.html"
    full_report.write_page(page)
    return page.as_uri()


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    """The folder to which the browser saves files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    """A browser that saves files without a dialog."""
    driver = start_browser(tmp_path_factory.mktemp("profile"))
    allowed = {"behavior": "allow", "downloadPath": str(downloads)}
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
    yield driver
    driver.quit()


def controls(browser, file):
    """The control groups of a file, which can be in several findings."""
    numbered = "return JSON.parse(document.getElementById('data').textContent).images"
    files = [name for name, _ in browser.execute_script(numbered)]
    number = files.index(file)
    return browser.find_elements("css selector", f"fieldset[data-image='{number}']")


def mark(group, value):
    """Selects a radio button of a finding on the page."""
    radio = group.find_element("css selector", f"input[value='{value}']")
    # The driver does not scroll if the bar at the end of the window covers the radio button.
    group.parent.execute_script("arguments[0].scrollIntoView({block: 'center'})", radio)
    radio.click()


def save(browser, downloads):
    """Presses the button that saves the decisions; returns their file."""
    for old in downloads.iterdir():
        old.unlink()
    browser.find_element("id", "save").click()
    file = downloads / "decisions.json"
    for _ in range(100):
        if file.exists() and file.stat().st_size:
            return file
        time.sleep(0.1)
    raise AssertionError("nothing was saved")


def test_images_that_are_marked_are_saved_and_can_be_read(browser, address, downloads, planted):
    show(browser, address, DESK)
    mark(controls(browser, TWIN[1])[0], "exclude")
    mark(controls(browser, TWIN[0])[0], "fine")
    group = controls(browser, FLIPPED)[0]
    mark(group, "relabel")
    assert browser.find_element("id", "count").text == "3 images are marked."
    decisions = read_decisions(save(browser, downloads))
    found = decisions.of_folder(planted, planted)
    assert {file: (each.choice, each.label) for file, each in found.items()} == {
        TWIN[1]: ("exclude", None),
        TWIN[0]: ("fine", None),
        FLIPPED: ("relabel", "cats"),  # the likely label is selected
    }
    assert browser.get_log("browser") == []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the held-out validation images and the copies
        splits = load_image_folder(planted, image_size=32, decisions=decisions.path)
    files = {Path(file).name: label for file, label in labeled(splits)}
    assert Path(TWIN[1]).name not in files
    assert splits.class_names[files[Path(FLIPPED).name]] == "cats"
    model = transfer_model("synthetic_small", (32, 32, 3), class_names=splits.class_names)
    history = fit_head(model, splits.train, epochs=1, verbose=0).history
    assert len(history["loss"]) == 1


def labeled(splits):
    """Yields each file of the splits with its label."""
    for split, names in splits.files.items():
        yield from zip(names, splits.labels[split].tolist(), strict=True)


def test_mark_can_be_changed_and_removed_in_each_finding_of_the_image(browser, address, downloads):
    show(browser, address, DESK)
    group = controls(browser, FLIPPED)[-1]
    label = group.find_element("tag name", "select")
    label.find_element("css selector", "option[value='1']").click()
    for each in controls(browser, FLIPPED):
        assert each.find_element("css selector", "input[value='relabel']").is_selected()
    content = json.loads(save(browser, downloads).read_text("utf-8"))
    assert content["images"][FLIPPED]["label"] == "dogs"
    mark(group, "")
    assert browser.find_element("id", "count").text == "No image is marked."
    assert json.loads(save(browser, downloads).read_text("utf-8"))["images"] == {}


def test_images_can_be_marked_by_keyboard(browser, address):
    show(browser, address, DESK)
    group = controls(browser, TWIN[0])[0]
    first = group.find_element("css selector", "input")
    first.send_keys(SPACE)
    first.send_keys(DOWN)
    assert group.find_element("css selector", "input[value='fine']").is_selected()
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.execute_script(outline) != "none"
    browser.switch_to.active_element.send_keys(DOWN)
    assert group.find_element("css selector", "input[value='exclude']").is_selected()
    assert browser.find_element("id", "count").text == "1 image is marked."
    browser.switch_to.active_element.send_keys("\ue012")  # left
    mark(group, "")


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_page_fits_window_without_console_messages(browser, address, size):
    show(browser, address, size)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
    assert browser.get_log("browser") == []
    broken = "return [...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert browser.execute_script(broken) == 0
    out = """return [...document.querySelectorAll("main *, .bar *")].filter(
        e => !e.closest(".wide, .broad") && e.getBoundingClientRect().right > innerWidth + 1
    ).length"""
    assert browser.execute_script(out) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_buttons_contrast_with_their_ground(browser, address, scheme):
    show(browser, address, DESK, scheme)
    ratios = browser.execute_script(
        """
        const channel = c => c <= 10.31475 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4;
        const light = s => {
          const [r, g, b] = s.match(/[\\d.]+/g).map(Number).map(channel);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = e => {
          for (; e; e = e.parentElement) {
            const color = getComputedStyle(e).backgroundColor;
            if (color !== "rgba(0, 0, 0, 0)") return light(color);
          }
        };
        const wanted = ".card p, label, select, button, figcaption, .file, #count, .how";
        return [...document.querySelectorAll(wanted)].map(e => {
          const [a, b] = [light(getComputedStyle(e).color), ground(e)].sort((x, y) => y - x);
          return (a + 0.05) / (b + 0.05);
        });
        """
    )
    assert len(ratios) > 30
    assert min(ratios) >= 4.5  # WCAG 2.1, level AA
