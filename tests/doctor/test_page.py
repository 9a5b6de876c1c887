"""The page: one file that loads nothing, escapes all names, and has a bounded size."""

import base64
import dataclasses
import hashlib
import io
import json
import re
import warnings

import pytest
from PIL import Image

from catdog_keras import load_image_folder
from catdog_keras.doctor import check_data
from catdog_keras.doctor._page import MOST_CARDS, MOST_IMAGES
from tests.doctor.planted import FLIPPED, TWIN, copy_smaller
from tests.report.test_report import Page

HOSTILE = ("<script>alert(1)", "</script><img src=x onerror=alert(2)>", "a\u202eb\n")


class DecisionPage(Page):
    """A page in which `input` has no end tag."""

    def handle_starttag(self, tag, attributes):
        super().handle_starttag(tag, attributes)
        if tag == "input":
            self.open.pop()


def read(report, folder, **options):
    """Writes the page of a report; returns its HTML and the parsed page."""
    report.write_page(folder / "page.html", **options)
    html = (folder / "page.html").read_text("utf-8")
    return html, DecisionPage(html)


def data_of(html):
    """Returns the data that the script of the page reads."""
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', html)[1]
    )


def test_page_loads_nothing_and_runs_only_its_own_script(full_report, tmp_path):
    html, page = read(full_report, tmp_path)
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    script = html.rsplit("<script>", 1)[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert len(page.all("script")) == 2
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert not re.search(r"url\(|@import|https?:", html)


def test_each_image_has_thumbnail_description_and_labeled_controls(full_report, tmp_path):
    html, page = read(full_report, tmp_path)
    data = data_of(html)
    fieldsets = page.all("fieldset")
    assert len(fieldsets) == len(page.all("legend")) == len(page.all("select"))
    assert len(page.all("input")) == 4 * len(fieldsets)
    names = [each["name"] for each in page.all("input")]
    assert len(set(names)) == len(fieldsets)
    assert all(each["aria-label"].startswith("New label of ") for each in page.all("select"))
    files = [file for file, _ in data["images"]]
    assert len(set(files)) == len(files)
    assert {*TWIN, FLIPPED} <= set(files)
    for image in page.all("img"):
        with Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1]))) as decoded:
            assert decoded.size == (int(image["width"]), int(image["height"]))
        assert len(image["alt"]) > 10
    found = {image.path: image.sha256 for image in full_report._images.found}
    hashes = dict(zip(full_report.files, found.values(), strict=True))
    assert data["images"] == [[file, hashes[file]] for file in files]


def test_sections_are_in_the_order_of_what_matters(full_report, tmp_path):
    html, page = read(full_report, tmp_path, title="Data check of <b>images</b>")
    titles = re.findall(r'<h2 id="part-\d+">(.*?)(?:: \d+)?</h2>', html)
    assert titles[:4] == [
        "Leakage",
        "Near-duplicates across splits or labels",
        "Shortcuts",
        "Label issues",
    ]
    assert titles[-2:] == ["Learning curve", "What was checked"]
    assert "Data check of <b>images</b>" in page.text
    assert "left out" not in page.text


def test_page_states_what_was_left_out(report, tmp_path):
    _, page = read(report, tmp_path)
    assert "Some checks were left out; the last section states why." in page.text
    assert "switched off by weights=None" in page.text


def test_hostile_names_are_shown_and_never_obeyed(planted, tmp_path):
    root = tmp_path / "images"
    for split in ("train", "test"):
        for name, kind in zip(HOSTILE[::2], ("cats", "dogs"), strict=True):
            (root / split / name).mkdir(parents=True)
            for number in range(6):
                with Image.open(planted / "train" / kind / f"{number}.jpg") as image:
                    place = (
                        root / split / name / f"{split} {HOSTILE[1].replace('/', '&')} {number}.png"
                    )
                    image.point(lambda level, s=split: level if s == "train" else 255 - level).save(
                        place
                    )
    first = next((root / "train" / HOSTILE[0]).iterdir())
    copy_smaller(root, first.relative_to(root), f"test/{HOSTILE[0]}/x\n.png")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the held-out validation images and the copies
        splits = load_image_folder(root, image_size=64)
    html, page = read(check_data(splits, weights=None), tmp_path)
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert HOSTILE[0] in page.text
    assert "<img src=x onerror=alert(2)>" in page.text
    assert "\u202e" not in html
    assert "x\\n.png" in page.text
    assert f"test/{HOSTILE[0]}/x\n.png" in [file for file, _ in data_of(html)["images"]]
    assert data_of(html)["classes"] == list(splits.class_names)


def test_page_of_thousands_of_findings_is_small_and_counts_the_others(report, tmp_path):
    one = next(each for each in report.findings if each.kind == "outlier")
    pair = next(each for each in report.findings if each.kind == "near_duplicate")
    many = tuple(range(report.num_images)) * 20
    findings = [dataclasses.replace(one, indices=(place,)) for place in many]
    findings += [dataclasses.replace(pair, indices=many)] * 500
    html, page = read(dataclasses.replace(report, findings=tuple(findings)), tmp_path)
    assert len(page.all("article")) == 2 * MOST_CARDS
    assert len(page.all("fieldset")) == MOST_CARDS * (1 + MOST_IMAGES)
    assert (
        f"{len(many) - MOST_CARDS:,} more findings of this kind are in findings.json" in page.text
    )
    assert f"{len(many) - MOST_IMAGES:,} more images of this finding" in page.text
    assert len(html) < 10_000_000


def test_earlier_decisions_are_part_of_the_page(splits, tmp_path, planted):
    digest = hashlib.sha256((planted / FLIPPED).read_bytes()).hexdigest()
    images = {FLIPPED: {"decision": "exclude", "sha256": digest}}
    (tmp_path / "decisions.json").write_text(json.dumps({"version": 1, "images": images}))
    found = check_data(splits, weights=None, decisions=tmp_path / "decisions.json")
    html, _ = read(found, tmp_path)
    assert data_of(html)["decisions"] == images


def test_write_page_rejects_other_types(report, tmp_path):
    with pytest.raises(TypeError, match="`title` must be a string"):
        report.write_page(tmp_path / "page.html", title=3)
    with pytest.raises(OSError, match="`path` must be a writable file"):
        report.write_page("/dev/null/page.html")
    assert list(tmp_path.iterdir()) == []
    report.write_page(tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]
