"""Sentences: the same in both languages, French typography, Loop's labels verbatim, dates and numbers as people say them."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from string import Formatter

import pytest

from cards.render import locale_of, text
from cards.words import LOCALES, ROOM, day, moment, number, words_of

FLOWS = sorted(path.parent.name for path in ROOM.glob("*/fr.toml"))
LOOP_LABELS = {
    "labels.family_name": "Nom",
    "labels.given_name": "Prénom",
    "labels.mobile": "Numéro de téléphone mobile",
    "labels.landline": "Numéro de téléphone fixe",
    "labels.email": "E-mail",
    "labels.qualite": "Qualité",
    "labels.address_1": "Adresse 1",
    "labels.address_2": "Adresse 2",
    "labels.address_3": "Adresse 3",
    "labels.commune": "Commune",
    "labels.postcode": "Code postal",
    "labels.country": "Pays",
    "labels.notes": "Notes",
    "labels.limited_to": "Limité à",
    "qualite.direction_tpe": "Direction TPE",
    "qualite.administratif_tpe": "Administratif TPE",
}
LOOP_WORDS = {
    "qualite.direction_tpe_note": "GS de la GED",
    "qualite.administratif_tpe_note": "GS de la GED",
    "rights.gs_ged": "GS de la GED",
    "rights.loop_work": "« Révision »",
    "loop.open_dossier": "« Portefeuille »",
    "loop.propose_offer": "« Proposer un service collaboratif pour ce dossier »",
    "loop.link_interlocuteur": "« Limité à »",
    "loop.open_hub": "« Loop Hub »",
    "loop.initialiser": "« Initialiser »",
    "loop.tick_extension": "« Activation de l'extension »",
    "loop.ok": "« Ok »",
    "errors.limit_reason_needed": "« - »",
    "approve_activation.request.extension": "Activation de l'extension",
    "approve_activation.request.confirm": "« Activation de l'extension »",
    "welcome.welcome.space": "Espace collaboratif client",
    "propose_offer.identifier.button": "Espace collaboratif client",
}
EVERY = [
    pytest.param(locale, flow, key, sentence, id=f"{locale}-{flow}.{key}")
    for locale in LOCALES
    for flow in FLOWS
    for key, sentence in words_of(flow, locale).items()
]


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def plain(sentence: str) -> str:
    return sentence.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("flow", FLOWS)
def test_both_languages_say_the_same_things(flow: str) -> None:
    french, english = words_of(flow, "fr"), words_of(flow, "en")
    assert {key: placeholders(one) for key, one in french.items()} == {
        key: placeholders(one) for key, one in english.items()
    }


@pytest.mark.parametrize(("locale", "flow", "key", "sentence"), EVERY)
def test_a_sentence_is_plain_text(locale: str, flow: str, key: str, sentence: str) -> None:
    assert sentence
    assert sentence == sentence.strip()
    assert not re.search(r"[*_`<>\[\]]|  |\.\.\.", re.sub(r"\{\w+\}|[A-Z]+(_[A-Z]+)+", "x", sentence))
    assert "'" not in sentence.replace("Activation de l'extension", "")
    assert not re.search(r"«(?!\u00a0)|(?<!\u00a0)»", sentence)


@pytest.mark.parametrize(("locale", "flow", "key", "sentence"), [one for one in EVERY if one.values[0] == "fr"])
def test_french_typography(locale: str, flow: str, key: str, sentence: str) -> None:
    assert not re.search(r"(?<!\u00a0):(?!//)", sentence), "an unbreakable space before the colon"
    assert not re.search(r"(?<!\u202f)[;?!]", sentence), "a thin unbreakable space before ; ? !"


@pytest.mark.parametrize("locale", LOCALES)
def test_loops_labels_are_loops(locale: str) -> None:
    assert {key: words_of("common", locale)[key] for key in LOOP_LABELS} == LOOP_LABELS
    assert [key for key in words_of("common", locale) if key in LOOP_LABELS] == list(LOOP_LABELS)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("key", LOOP_WORDS)
def test_loops_words_are_loops(locale: str, key: str) -> None:
    assert LOOP_WORDS[key] in plain(text(key, locale))


def test_dates_are_said_in_paris() -> None:
    at = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    assert plain(moment(at, "fr")) == "1er février 2026 à 0 h 30"
    assert moment(at, "en") == "1 February 2026 at 00:30"
    assert day(at.astimezone(timezone(timedelta(hours=-8))), "fr") == "1er février 2026"
    assert day(date(2026, 7, 14), "fr") == "14 juillet 2026"
    assert plain(number(12500, "fr")) == "12 500"
    assert number(12500, "en") == "12,500"


def test_a_date_without_its_timezone_is_refused() -> None:
    with pytest.raises(ValueError, match="no timezone"):
        moment(datetime(2026, 1, 1), "fr")  # noqa: DTZ001


def test_facts_are_said_in_the_language() -> None:
    at = datetime(2026, 1, 12, 13, 5, tzinfo=UTC)
    assert plain(text("errors.already_decided", "fr", by="Malo", at=at)).startswith(
        "Malo a déjà décidé, le 12 janvier 2026"
    )
    assert plain(text("errors.too_long", "fr", max=2000)) == "C’est trop long : 2 000 caractères au plus."


@pytest.mark.parametrize(
    ("n", "locale", "said"),
    [
        (0, "fr", "0 dossier trouvé"),
        (1, "fr", "1 dossier trouvé"),
        (2, "fr", "2 dossiers trouvés"),
        (0, "en", "0 dossiers found"),
    ],
)
def test_counting(n: int, locale: str, said: str) -> None:
    assert text("search.results", locale, n=n) == said


def test_a_flow_speaks_before_the_common_words() -> None:
    assert text("invite_guest.title", "fr") == "Inviter un entrepreneur"
    assert text("invite_guest.buttons.next", "fr") == "Continuer"
    with pytest.raises(KeyError, match="no words"):
        text("errors.nothing_such", "fr")


@pytest.mark.parametrize(
    ("tag", "locale"), [("fr-FR", "fr"), ("fr", "fr"), ("en_US", "en"), ("EN-gb", "en"), ("de-DE", "fr"), ("", "fr")]
)
def test_locale_of(tag: str, locale: str) -> None:
    assert locale_of(tag, "fr") == locale
