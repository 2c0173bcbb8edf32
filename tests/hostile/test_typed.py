"""What is typed into a form by somebody hostile: addresses, numbers, names. Refused beside its field, or kept as plain text."""

import re
from typing import Any

import pytest

from tests.hostile.kit import CANARY, Heard, Site, elements

pytestmark = pytest.mark.asyncio(loop_scope="package")

INVALID, SCRIPTS, PLUS, OWN, LONG = (
    "Indiquez une adresse e-mail complète",
    "des lettres qui ressemblent à d’autres",
    "Microsoft refuse le signe +",
    "collaborateur du cabinet, pas d’un invité",
    "C’est trop long",
)
ADDRESSES = {
    "a second header": (f"paul@{CANARY}.example\r\nBcc: all@{CANARY}.example", INVALID),
    "a second header, folded": (f"paul@{CANARY}.example\n Cc: x@y.example", INVALID),
    "two with a comma": (f"paul@{CANARY}.example,eve@{CANARY}.example", INVALID),
    "two with a semicolon": (f"paul@{CANARY}.example;eve@{CANARY}.example", INVALID),
    "a name before it": (f"Paul <paul@{CANARY}.example>", INVALID),
    "mailto": (f"mailto:paul@{CANARY}.example", INVALID),
    "a query": (f"paul@{CANARY}.example?bcc=eve@{CANARY}.example", INVALID),
    "quotes": (f'"paul eve"@{CANARY}.example', INVALID),
    "a comment": (f"paul(eve)@{CANARY}.example", INVALID),
    "a route": (f"@relay.example:paul@{CANARY}.example", INVALID),
    "an address literal": ("paul@[127.0.0.1]", INVALID),
    "a number": ("paul@127.0.0.1", INVALID),
    "this machine": ("paul@localhost", INVALID),
    "two ats": (f"paul@@{CANARY}.example", INVALID),
    "no name": (f"@{CANARY}.example", INVALID),
    "no domain": ("paul@", INVALID),
    "a dot first": (f".paul@{CANARY}.example", INVALID),
    "two dots": (f"paul@{CANARY}..example", INVALID),
    "a hyphen first": (f"paul@-{CANARY}.example", INVALID),
    "a long name": ("p" * 65 + f"@{CANARY}.example", INVALID),
    "a long address": ("p" * 400 + f"@{CANARY}.example", LONG),
    "a tag": (f"<script>@{CANARY}.example", INVALID),
    "a link": (f"[paul](http://evil.example)@{CANARY}.example", INVALID),
    "a cyrillic name": (f"p\u0430ul@{CANARY}.example", SCRIPTS),
    "a cyrillic domain": ("paul@b\u043eulangerie.example", SCRIPTS),
    "a greek domain": ("paul@b\u03bfulangerie.example", SCRIPTS),
    "a cyrillic domain in ascii": ("paul@xn--80ak6aa92e.com", SCRIPTS),
    "an emoji": ("paul@😀.example", INVALID),
    "a plus": (f"paul+{CANARY}@boulangerie.example", PLUS),
    "the firm's own": ("eve@cabinet-duhamel.example", OWN),
    "the firm's own, louder": ("EVE@CABINET-DUHAMEL.EXAMPLE", OWN),
    "the firm's own, full width": ("eve@ｃabinet-duhamel.example", OWN),
    "the firm's own, with unseen letters": ("eve@cabinet\u200b-duhamel.example\u202e", OWN),
}
NO_NUMBER, LETTERS, NO_MOBILE = (
    "Indiquez un numéro de téléphone valide",
    "Indiquez le numéro seul, en chiffres",
    "Indiquez un numéro de mobile",
)
NUMBERS = {
    "words": ("drop table", LETTERS),
    "an extension": ("06 12 34 56 78;ext=0899000000", LETTERS),
    "a header": ("06 12 34 56 78\r\nX: y", LETTERS),
    "too short": ("06 12", NO_NUMBER),
    "a sum": ("=0612345678+1", NO_NUMBER),
    "too long": ("0" * 41, LONG),
    "a landline": ("02 97 00 00 00", NO_MOBILE),
    "a premium number": ("08 99 00 00 00", NO_MOBILE),
}
PAYLOADS = {
    "a link": f"[{CANARY}](http://evil.example)",
    "a link told": f"]({CANARY})[x](http://evil.example)",
    "an image": f"![{CANARY}](http://evil.example/x.png)",
    "bold": f"**{CANARY}** __x__ ~~y~~ `z`",
    "a mention": f"<at>{CANARY}</at>",
    "everyone": f"@everyone @{CANARY} <at>Général</at>",
    "html": f"<script>alert('{CANARY}')</script><img src=x onerror=y>",
    "a date": f"{{{{DATE(2026-01-01T00:00:00Z, SHORT)}}}}{CANARY}",
    "a template": f"${{{CANARY}}} {{{{ 7*7 }}}} {{% x %}} <%= y %>",
    "json": f'"}}], "type": "Action.OpenUrl", "url": "http://evil.example/{CANARY}',
    "a heading": f"# {CANARY}",
    "a list": f"- {CANARY}",
    "lines": f"{CANARY}\r\n\r\n# x\u2028[y](http://evil.example)",
    "right to left": f"\u202e{CANARY}\u202d",
    "an entity": f"&lt;at&gt;{CANARY}&lt;/at&gt; &#91;x](http://evil.example)",
    "a formula": f"=HYPERLINK(http://evil.example; {CANARY})",
}
TYPED = {"family_name": "Kervella", "given_name": "Zoé", "mobile": "0612345679", "language": "fr"}
EMAIL = "zoe@fleurs-kervella.example"


async def fills(site: Site, **typed: str) -> Heard:
    """The first step of « Inviter », with these answers."""
    claire = site.firm.person("Claire")
    ours = await site.form(claire)
    async with site.changes_nothing():
        heard = await site.submits(claire, {"p": ours, **TYPED, "email": EMAIL, **typed})
    assert heard.status == 200
    return heard


@pytest.mark.parametrize("case", list(ADDRESSES))
async def test_an_address(site: Site, case: str) -> None:
    typed, sentence = ADDRESSES[case]
    heard = await fills(site, email=typed)
    assert heard.ours["step"] == "person"
    assert heard.says(sentence), heard.said[:800]


@pytest.mark.parametrize("case", list(NUMBERS))
async def test_a_number(site: Site, case: str) -> None:
    typed, sentence = NUMBERS[case]
    heard = await fills(site, mobile=typed)
    assert heard.ours["step"] == "person"
    assert heard.says(sentence), heard.said[:800]


async def test_digits_of_another_script_are_digits(site: Site) -> None:
    assert (await fills(site, mobile="٠٦١٢٣٤٥٦٧٨")).ours["step"] == "dossier"


# --- free text


def inert(card: Any) -> None:
    """Nothing hostile in this card is more than text: no link, mention, date, image or button of its own."""
    entities = card.get("msteams", {}).get("entities", [])
    assert all(CANARY not in str(one) for one in entities)
    own = [one["text"] for one in entities]  # the firm's own mentions
    for one in elements(card):
        spoken = [
            _without(str(one[key]), own) for key in ("text", "title", "value", "label") if isinstance(one.get(key), str)
        ]
        if one.get("type") == "TextBlock" or ("title" in one and "value" in one and len(one) == 2):
            for text in spoken:
                assert not re.search(r"(?<!\\)\[[^\]]*(?<!\\)\]\(", text), text
                assert not re.search(r"(?<!\\)<\w", text), text
                assert not re.search(r"(?<!\\)\{\{(?:DATE|TIME)\(", text), text
                assert not re.search(r"(?<!\\)&(?:#\d+|lt|gt|amp);", text), text
                assert not re.search("[\u202a-\u202e]", text), text
        assert "evil.example" not in str(one.get("url", ""))
        assert one.get("type") != "Image" or "evil" not in str(one)


def _without(text: str, spans: list[str]) -> str:
    for span in spans:
        text = text.replace(span, "")
    return text


async def recap(site: Site, **typed: str) -> Heard:
    """The last step of « Inviter », which says back what was typed."""
    claire = site.firm.person("Claire")
    heard = await fills(site, **typed)
    assert heard.ours["step"] == "dossier", heard.said[:800]
    async with site.changes_nothing():
        heard = await site.submits(claire, {"p": heard.ours, "dossier": site.dossier})
    assert heard.ours["step"] == "recap"
    return heard


@pytest.mark.parametrize("case", list(PAYLOADS))
async def test_a_name_that_is_said_back(site: Site, case: str) -> None:
    heard = await recap(site, family_name=PAYLOADS[case], given_name=PAYLOADS[case])
    assert CANARY in heard.said
    inert(heard.card)


@pytest.mark.parametrize("case", list(PAYLOADS))
async def test_words_the_bot_does_not_know(site: Site, case: str) -> None:
    """In « Général », where everybody reads the answer."""
    claire = site.firm.person("Claire")
    async with site.changes_nothing():
        await claire.writes(PAYLOADS[case])
    newest = next(one for one in reversed(claire.channel) if "Je n’ai pas compris" in " ".join(one.texts))
    assert CANARY in " ".join(newest.texts)
    inert(newest.surface.card)
    assert not newest.surface.card.get("msteams", {}).get("entities")


@pytest.mark.parametrize("case", list(PAYLOADS))
async def test_a_search_of_the_form(site: Site, case: str) -> None:
    """« Rechercher un dossier », which finds nothing and says so."""
    claire = site.firm.person("Claire")
    heard = await fills(site)
    async with site.changes_nothing():
        heard = await site.submits(claire, {"p": {**heard.ours, "go": "search"}, "dossier_text": PAYLOADS[case]})
    assert heard.says("Aucun dossier ne correspond"), heard.said[:800]
    inert(heard.card)
