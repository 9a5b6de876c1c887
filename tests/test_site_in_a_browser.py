"""The built site as a reader meets it: searched, copied from, in light and dark, on phone and desk.

CATDOG_KERAS_SITE names the folder into which `mkdocs build --site-dir` has written it.
"""

import functools
import http.server
import json
import os
import threading

import pytest

from tests.browser import DESK, PHONE, show, start_browser

support = pytest.importorskip("selenium.webdriver.support.ui", reason="selenium is not installed")
FOLDER = os.environ.get("CATDOG_KERAS_SITE")
if not FOLDER:
    pytest.skip("CATDOG_KERAS_SITE names no built site", allow_module_level=True)

pytestmark = pytest.mark.slow

PAGES = ["", "tutorials/2-first-network/", "reference/ConvBlock/", "gallery/", "how-to/transfer/"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and keeps it to itself."""

    def log_message(self, *_):
        """Called for each request."""


@pytest.fixture(scope="module")
def address():
    """The address of the built site on a local server."""
    serve = functools.partial(Quiet, directory=FOLDER)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser that logs its requests."""
    driver = start_browser(tmp_path_factory.mktemp("profile"), performance="ALL")
    driver.get("about:blank")  # away from the browser's own first page, which asks its maker
    yield driver
    driver.quit()


def wait(browser, script):
    """Waits until a script gives something; Material for MkDocs does much after the page is there."""
    return support.WebDriverWait(browser, 20).until(lambda _: browser.execute_script(script))


@pytest.mark.parametrize("size", [PHONE, DESK])
@pytest.mark.parametrize("page", PAGES)
def test_page_fits_window_and_makes_no_external_requests(page, size, browser, address):
    browser.get_log("performance")
    show(browser, address + page, size)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
    assert browser.get_log("browser") == []
    broken = "return [...document.images].filter(i => i.complete && !i.naturalWidth).length"
    assert browser.execute_script(broken) == 0
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"].endswith("BeSent")]
    asked = [url for url in asked if url.startswith(("http", "ws"))]  # and not to the browser
    assert asked
    assert [url for url in asked if not url.startswith(address)] == []


def test_landing_page_shows_text_image_and_code_on_one_screen(browser, address):
    show(browser, address, DESK)
    for what in (".landing p", ".landing img", ".md-content .highlight"):
        script = f"return document.querySelector({what!r}).getBoundingClientRect().top"
        assert 0 < browser.execute_script(script) < DESK[1]
    assert "transfer_model" in browser.execute_script(
        "return document.querySelector('.md-content .highlight').textContent"
    )


def find(browser, words):
    """Returns the addresses of the pages that a search lists, best first."""
    browser.execute_script("document.querySelector('#__search').click()")
    browser.execute_script(
        """
        const field = document.querySelector(".md-search__input");
        field.focus();
        field.value = arguments[0];
        field.dispatchEvent(new Event("keyup", {bubbles: true}));
        """,
        words,
    )
    return wait(
        browser,
        "return [...document.querySelectorAll('.md-search-result__link')].map(a => a.href)",
    )


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_search_finds_layer_page(size, browser, address):
    show(browser, address, size)
    assert any("reference/ConvBlock" in link for link in find(browser, "ConvBlock"))


@pytest.mark.parametrize("words", ["overfitting", "early stopping", "class weights", "image"])
def test_search_lists_guides_before_decisions(words, browser, address):
    show(browser, address, DESK)
    found = find(browser, words)
    print(*found, sep="\n")
    decisions = [place for place, link in enumerate(found) if "/decisions/" in link]
    assert not decisions or decisions[0] >= 3


def test_copy_button_copies_code_block(browser, address):
    show(browser, address, DESK)
    browser.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": address},
    )
    browser.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    # A click of the user's own: a script may not write to the clipboard.
    wait(browser, "return document.querySelector('.md-content .md-code__button')").click()
    wait(browser, "return document.querySelector('.md-dialog--active')")
    copied = browser.execute_async_script(
        "const done = arguments[0]; navigator.clipboard.readText().then(done, e => done('' + e))"
    )
    assert copied.startswith("import keras\nimport catdog_keras as ck\n")
    compile(copied, "copied", "exec")


def test_palette_toggle_switches_between_light_and_dark(browser, address):
    shade = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    for scheme, changed in (("light", f"{shade} < 100"), ("dark", f"{shade} > 200")):
        browser.get(address)
        browser.execute_script("localStorage.clear()")
        show(browser, address, DESK, scheme)
        # The script of the theme sets the colors and shows a button after the page is complete.
        wait(browser, f"return {shade} > 200" if scheme == "light" else f"return {shade} < 100")
        labels = "[...document.querySelectorAll('form[data-md-component=palette] label')]"
        wait(browser, f"return {labels}.some(label => !label.hidden)")
        browser.execute_script(f"{labels}.find(label => !label.hidden).click()")
        wait(browser, f"return {changed}")
