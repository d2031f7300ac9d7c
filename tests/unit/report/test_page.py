"""The page loads nothing, keeps its text apart from its markup, and fits its own viewer."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from limlff.report.movie import AtomClasses, Movie, MovieFrame
from limlff.report.page import Figure, Report, Table, write_report


class Reader(HTMLParser):
    """Collects tags, identifiers, scripts and text."""

    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.scripts, self.text = [], set(), {}, []
        self._script = None

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if "id" in attributes:
            assert attributes["id"] not in self.ids
            self.ids.add(attributes["id"])
        if tag == "script":
            self._script = attributes.get("id", "code")

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    def handle_data(self, data):
        if self._script:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.text.append(data)


@pytest.fixture
def report(tmp_path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots()
    axis.plot([0, 1])
    figure.savefig(tmp_path / "f.png")
    plt.close(figure)
    frame = MovieFrame(
        0.0, np.zeros((2, 3)), np.eye(3) * 9, [np.zeros(2)], np.zeros((0, 3)), "</script>"
    )
    return Report(
        title="Healing <of> a hole",
        summary="It costs $5 & closes.",
        simulated="bcc Li",
        numbers=Table(["", "0 GPa"], [["Missing atoms", "3 < 4"]]),
        figures=[Figure(tmp_path / "f.png", "Missing atoms", 'a "caption"')],
        movies=[Movie("300 K", [AtomClasses("order", ("bcc",), ("#112233",))], [frame])],
        definitions=[("Near", "up to 4 Å")],
        limits=["One run."],
        tables=[Table(["", "why"], [["frame 7", "new & > 0.5"]], "Chosen", is_text=True)],
        settings="seed: 1 # <b>",
        provenance=[("Potential", "li")],
    )


@pytest.fixture
def page(report, tmp_path):
    path = write_report(tmp_path / "index.html", report)
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def test_page_refers_to_nothing_outside_itself(report, tmp_path):
    text = write_report(tmp_path / "index.html", report).read_text(encoding="utf-8")
    assert not re.findall(r"https?:|//[a-z]+\.|@import|url\(", text)
    reader = Reader()
    reader.feed(text)
    for tag, attributes in reader.tags:
        assert tag not in ("link", "iframe", "object", "embed")
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:")
    policy = [a["content"] for t, a in reader.tags if a.get("http-equiv")]
    assert policy and policy[0].startswith("default-src 'none'")


def test_text_is_shown_as_it_is_and_never_becomes_markup(page):
    text = "".join(page.text)
    for words in (
        "Healing <of> a hole",
        "It costs $5 & closes.",
        "3 < 4",
        "seed: 1 # <b>",
        "new & > 0.5",
    ):
        assert words in text
    assert "of" not in [tag for tag, _ in page.tags]


HOSTILE = """</title></style></pre></script><script>alert(1)</script><img src=x onerror="alert(2)">
' onload='alert(3) {{ 7 * 7 }} {% raw %} &amp; \u2028"""


def test_text_of_any_field_is_escaped(report, tmp_path):
    """Names, YAML and cards are what others wrote: they add no tag, attribute or template code."""
    plain = Reader()
    plain.feed(write_report(tmp_path / "plain.html", report).read_text(encoding="utf-8"))
    (movie,), (picture,) = report.movies, report.figures
    hostile = replace(
        report,
        **{name: HOSTILE for name in ("title", "summary", "simulated", "settings")},
        numbers=Table(["", HOSTILE], [[HOSTILE, HOSTILE]]),
        figures=[replace(picture, title=HOSTILE, caption=HOSTILE)],
        movies=[
            replace(
                movie,
                title=HOSTILE,
                points=HOSTILE,
                colorings=[AtomClasses(HOSTILE, (HOSTILE,), ("#112233",), HOSTILE)],
                frames=[replace(movie.frames[0], note=HOSTILE)],
            )
        ],
        definitions=[(HOSTILE, HOSTILE)],
        limits=[HOSTILE],
        tables=[Table(["", HOSTILE], [[HOSTILE, HOSTILE]], HOSTILE, is_text=True)],
        provenance=[(HOSTILE, HOSTILE)],
    )
    reader = Reader()
    reader.feed(write_report(tmp_path / "hostile.html", hostile).read_text(encoding="utf-8"))
    assert [tag for tag, _ in reader.tags] == [tag for tag, _ in plain.tags]
    for (_, before), (tag, after) in zip(plain.tags, reader.tags, strict=True):
        assert before.keys() == after.keys(), tag
    assert reader.scripts["code"] == plain.scripts["code"]
    assert json.loads(reader.scripts["movies"])[0]["title"] == HOSTILE
    assert "".join(reader.text).count(HOSTILE) == 19


def test_movies_can_be_read_back_though_a_note_ends_a_script(page):
    movies = json.loads(page.scripts["movies"])
    assert movies[0]["title"] == "300 K"
    assert movies[0]["frames"][0]["note"] == "</script>"


def test_the_viewer_finds_every_element_it_asks_for(page):
    asked = set(re.findall(r'element\("([a-z]+)"\)', page.scripts["code"]))
    asked |= {"points", "outline", "show", "color", "movies"}
    assert len(asked) > 8
    assert asked <= page.ids


def test_pictures_have_a_text_and_controls_a_label(page):
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert images and all(len(image["alt"]) > 10 for image in images)
    assert images[0]["src"].startswith("data:image/png;base64,iVBOR")


def test_a_page_without_movies_hides_the_viewer(report, tmp_path):
    path = write_report(tmp_path / "index.html", replace(report, movies=[]))
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    sections = [
        a for tag, a in reader.tags if tag == "section" and a["aria-labelledby"] == "frames"
    ]
    assert "hidden" in sections[0]
    assert json.loads(reader.scripts["movies"]) == []
