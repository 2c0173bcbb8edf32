"""Mails: what they say, in both bodies; data cannot become markup, a password never appears."""

import re
from html.parser import HTMLParser

import pytest

from cards.render import RenderedMail, mail
from cards.words import LOCALES, ROOM
from tests.cards.firm import posted
from tests.cards.samples import MAILS
from tests.cards.walk import retold

EVERY = [pytest.param(name, sample, id=f"{name}-{sample}") for name, samples in MAILS.items() for sample in samples]
HOSTILE = '"><script>alert(1)</script><a href="https://evil.example">x</a>\nBcc: all@example.com &amp; {{ 7*7 }}'


# What Word draws, or leaves out without harm (max-width, word-break).
WORD_KNOWS = {
    *(
        "margin",
        "padding",
        "width",
        "height",
        "max-width",
        "border",
        "border-top",
        "border-bottom",
        "background-color",
        "color",
    ),
    *("font-family", "font-size", "font-weight", "line-height", "text-decoration", "word-break", "padding-left"),
}


class Reader(HTMLParser):
    """The tags, links and text of a mail as its reader gets them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links |= {value for name, value in attrs if name == "href" and value}

    def handle_data(self, data: str) -> None:
        self.text += data


def drawn(name: str, sample: str = "plain", locale: str = "fr") -> RenderedMail:
    return mail(name, locale, MAILS[name][sample])


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("name", "sample"), EVERY)
class TestEveryMail:
    def test_has_a_subject_and_two_bodies(self, name: str, sample: str, locale: str) -> None:
        made = drawn(name, sample, locale)
        assert made.subject
        assert "\n" not in made.subject
        assert made.html.startswith("<!doctype html>")
        assert f'<html lang="{locale}"' in made.html
        assert "Cabinet Lemoine & Associés" in Reader(made.html).text
        assert "\n\n\n" not in made.text
        assert "<" not in made.text

    def test_wears_the_colour_of_the_firm(self, name: str, sample: str, locale: str) -> None:
        facts = MAILS[name][sample]
        green = mail(name, locale, {**facts, "firm": {**facts["firm"], "color": "#0b5e2f"}})
        assert green.html.replace("#0b5e2f", "#5b5fc7") == drawn(name, sample, locale).html
        assert green.html.count("#0b5e2f") >= 2

    def test_both_bodies_give_the_same_links(self, name: str, sample: str, locale: str) -> None:
        made = drawn(name, sample, locale)
        assert Reader(made.html).links == set(re.findall(r"^https://\S+$", made.text, flags=re.MULTILINE))

    def test_outlook_can_draw_it(self, name: str, sample: str, locale: str) -> None:
        made = drawn(name, sample, locale)
        assert set(Reader(made.html).tags) <= {
            *("html", "head", "meta", "title", "style", "body", "table", "tr", "td", "h1", "p", "a", "br", "b", "span")
        }
        inline = " ".join(re.findall(r'style="([^"]*)"', made.html))
        assert set(re.findall(r"([a-z-]+):", inline)) <= WORD_KNOWS

    def test_the_style_sheet_only_darkens_what_is_coloured_in_place(self, name: str, sample: str, locale: str) -> None:
        made = drawn(name, sample, locale)
        sheet = made.html.partition("<style>")[2].partition("</style>")[0]
        assert set(re.findall(r"([a-z-]+): \S+ !important", sheet)) == {"background-color", "border-color", "color"}
        darkened = dict(re.findall(r"\.(\w+) \{ ([a-z-]+):", sheet))
        for element in re.findall(r"<\w+[^>]*class=[^>]*>", made.html):
            for kind in element.partition('class="')[2].partition('"')[0].split():
                want = darkened[kind].replace("border-color", "border")
                assert re.search(rf'[";]{want}[a-z-]*:', element), element
            assert ("background-color" in element) == ("bgcolor" in element) or element.startswith("<body"), element

    def test_both_bodies_say_the_same(self, name: str, sample: str, locale: str) -> None:
        made = drawn(name, sample, locale)
        read = " ".join(Reader(made.html).text.split())
        for line in made.text.splitlines():
            if line.startswith("https://"):
                continue  # behind a button
            said = line.removeprefix("- ")
            assert all(" ".join(part.split()) in read for part in re.split(r" \(|\)$", said)), line

    def test_hostile_data_is_text(self, name: str, sample: str, locale: str) -> None:
        data = MAILS[name][sample]
        honest, hostile = mail(name, locale, data), mail(name, locale, retold(data, lambda text: text + HOSTILE))
        assert Reader(hostile.html).tags == Reader(honest.html).tags
        assert "<script>alert(1)</script>" in Reader(hostile.html).text
        assert "Bcc" not in hostile.subject

    def test_a_password_is_never_given(self, name: str, sample: str, locale: str) -> None:
        made = drawn(name, sample, locale)
        for sentence in re.findall(r"[^.\n]*(?:mot de passe|password)[^.\n]*", made.text, flags=re.IGNORECASE):
            assert re.search("jamais|never", sentence)


def test_each_template_has_a_sample_and_two_bodies() -> None:
    for body in (".html.j2", ".txt.j2"):
        assert {str(path.relative_to(ROOM)).removesuffix(body) for path in ROOM.rglob(f"*/*{body}")} == set(MAILS)


def test_who_has_no_given_name_is_greeted_all_the_same() -> None:
    for name in ("propose_offer/identifier", "welcome/welcome"):
        made = mail(name, "fr", posted(MAILS[name]["plain"]["d"] | {"given_name": ""}))
        assert "Bonjour,\n" in made.text
        assert ">Bonjour,<" in made.html


def test_the_identifier_mail_says_that_activation_is_in_progress() -> None:
    made = drawn("propose_offer/identifier")
    assert "L’activation est en cours." in made.text
    assert "paul.martin@boulangerie-martin.fr" in made.text
    assert "Consulter le dossier comptable sur Cegid Loop, en lecture seule" in made.text


def test_the_welcome_of_start_has_no_application() -> None:
    assert "Lancer l’application" in drawn("welcome/welcome").text
    start = drawn("welcome/welcome", "start")
    assert "Lancer" not in start.text + start.html
    assert "Ouvrir la GED" in start.text


@pytest.mark.parametrize(
    ("company", "tile"), [("Boulangerie Martin", ">BM<"), ("éts. Le Goff", ">ÉL<"), ("« & »", "><")]
)
def test_the_vignette_shows_the_initials(company: str, tile: str) -> None:
    data = MAILS["welcome/welcome"]["plain"]
    assert tile in mail("welcome/welcome", "fr", posted(data["d"] | {"company": company})).html
