"""The report as a person meets it: in a browser, on a phone and on a desk, by keyboard, on paper."""

import base64

import pytest

from catdog_keras import ModelReport, write_report
from tests.browser import DESK, PHONE, show, start_browser
from tests.report.test_report import HISTORY, ODD, evaluate


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page with as much on it, and names as odd, as there can be."""
    page = tmp_path_factory.mktemp("report") / "page.html"
    files = [f"/images/{'long ' * 20}<img src=x onerror=alert(1)>{n}.jpg" for n in range(60)]
    models = {name: evaluate(ODD, seed=s, files=files) for s, name in enumerate(("a", "<b>b"))}
    write_report(
        page,
        [ModelReport(name, each, HISTORY) for name, each in models.items()],
        title="x" * 120,
        counts={split: dict.fromkeys(ODD, 3) for split in ("train", "validation", "test")},
        metadata={"Data": {"folder": "/" + "y" * 300}},
    )
    return page.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser without a page."""
    driver = start_browser(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_report_fits_window_without_console_messages(size, browser, address):
    show(browser, address, size)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]
    assert browser.get_log("browser") == []
    broken = "return [...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert browser.execute_script(broken) == 0
    # Wide content scrolls inside its section, and nothing sticks out.
    out = """return [...document.querySelectorAll("main *")].filter(
        e => !e.closest(".wide, .broad") && e.getBoundingClientRect().right > innerWidth + 1
    ).length"""
    assert browser.execute_script(out) == 0
    assert browser.execute_script("return document.title") == "x" * 120


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_contrast_meets_wcag_in_light_and_dark_mode(scheme, browser, address):
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
        const wanted = "h1, h2, p, a:not(.skip), dt, dd, th, td, caption, figcaption, footer";
        return [...document.querySelectorAll(wanted)].map(e => {
          const [a, b] = [light(getComputedStyle(e).color), ground(e)].sort((x, y) => y - x);
          return (a + 0.05) / (b + 0.05);
        });
        """
    )
    assert len(ratios) > 100
    assert min(ratios) >= 4.5  # WCAG 2.1, level AA
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is (scheme == "light")


def test_keyboard_reaches_every_link_and_scrollable_region(browser, address):
    show(browser, address, PHONE)
    body = browser.find_element("tag name", "body")
    wanted = browser.execute_script("return document.querySelectorAll('a, [tabindex]').length")
    reached = []
    for _ in range(wanted):
        body.send_keys("\ue004")  # Tab
        reached.append(
            browser.execute_script(
                """
                const e = document.activeElement, style = getComputedStyle(e);
                const seen = e.getBoundingClientRect();
                return [e.textContent.trim(), style.outlineStyle, seen.left >= 0, seen.top];
                """
            )
        )
        body = browser.switch_to.active_element
    assert reached[0][0] == "To the content"
    assert len({tuple(place) for place in reached}) == wanted
    assert all(outline != "none" and inside for _, outline, inside, _ in reached)
    show(browser, address, PHONE)
    last = browser.find_elements("css selector", "nav a")[-1]
    last.send_keys("\ue007")  # Enter
    assert browser.execute_script("return location.hash") == last.get_attribute("hash")


def test_report_prints_to_pdf_and_hides_navigation(browser, address):
    show(browser, address, DESK)
    printed = browser.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert base64.b64decode(printed).startswith(b"%PDF")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = browser.find_element("tag name", "nav").value_of_css_property("display")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert hidden == "none"
