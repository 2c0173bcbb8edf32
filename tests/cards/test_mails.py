"""Mails: what they say, in both bodies; data cannot become markup, a password never appears."""

import re
from html.parser import HTMLParser

import pytest

from cards.render import RenderedMail, mail
from cards.words import LOCALES
from tests.cards.firm import posted
from tests.cards.samples import MAILS
from tests.cards.walk import retold

EVERY = [pytest.param(name, sample, id=f"{name}-{sample}") for name, samples in MAILS.items() for sample in samples]
HOSTILE = '"><script>alert(1)</script><a href="https://evil.example">x</a>\nBcc: all@example.com &amp; {{ 7*7 }}'


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
        assert f'<html lang="{locale}">' in made.html
        assert "Cabinet Lemoine & Associés" in Reader(made.html).text
        assert "\n\n\n" not in made.text
        assert "<" not in made.text

    def test_both_bodies_give_the_same_links(self, name: str, sample: str, locale: str) -> None:
        made = drawn(name, sample, locale)
        assert Reader(made.html).links == set(re.findall(r"^https://\S+$", made.text, flags=re.MULTILINE))

    def test_outlook_can_draw_it(self, name: str, sample: str, locale: str) -> None:
        made = drawn(name, sample, locale)
        assert set(Reader(made.html).tags) <= {
            *("html", "head", "meta", "title", "body", "table", "tr", "td", "p", "a", "br", "b", "span")
        }
        assert not re.search(r"class=|<style|<img|flex|position:", made.html)

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


def test_the_identifier_mail_says_that_activation_is_in_progress() -> None:
    made = drawn("propose_offer/identifier")
    assert "L’activation est en cours." in made.text
    assert "paul.martin@boulangerie-martin.fr" in made.text


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
