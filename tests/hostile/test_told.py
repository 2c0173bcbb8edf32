"""A hostile name, all along the main path: the recap, the firm's cards, Loop's steps, the mails. It stays a name."""

import re
from html import unescape

import pytest

from tests.hostile.kit import CANARY
from tests.hostile.test_typed import PAYLOADS, inert
from tests.teams import Firm, Person
from tests.test_path import finds_dossier

ELSEWHERE = re.compile(r"""(?:href|src)=["'](?!https?://(?:127\.0\.0\.1|loop\.cegid\.com|teams\.microsoft\.com))""")


def all_cards_are_inert(person: Person) -> None:
    for one in (*person.channel, *person.chat):
        inert(one.surface.card)
    if person.dialog:
        inert(person.dialog.surface.card)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("case", ["a link", "html", "lines", "json"])
async def test_from_the_invitation_to_the_welcome(firm: Firm, case: str) -> None:
    claire, malo, sophie = firm.person("Claire"), firm.person("Malo"), firm.person("Sophie")
    hostile = PAYLOADS[case]
    await claire.writes("nouveau")
    await claire.clicks("Ouvrir le formulaire")
    await claire.fills(
        {"Nom": hostile, "Prénom": hostile, "E-mail": "sophie.kervella@fleurs-kervella.example"}
        | {"Numéro de téléphone mobile": "06 12 34 56 79"}
    )
    await claire.clicks("Continuer")
    await finds_dossier(claire)
    await claire.fills({"Offre à activer": "Consultation"})
    await claire.clicks("Continuer")
    await claire.fills({"Confirmation": True})
    await claire.clicks("Continuer")
    await claire.fills({"Qualité": "Direction TPE"} | dict.fromkeys(("Adresse 1", "Commune", "Notes"), hostile))
    await claire.clicks("Continuer")
    await claire.sees("Vérifiez avant de lancer")
    all_cards_are_inert(claire)
    await claire.clicks("C’est fait, lancer")
    await sophie.receives("vous invite", within=30)
    await sophie.redeems()
    await malo.sees("En attente d’approbation", within=30)
    await malo.clicks("Refuser…")
    await malo.fills({"Raison": hostile})
    await malo.clicks("Refuser l’activation")
    await claire.sees("Activation refusée", within=30)
    for person in (claire, malo):
        await person.looks()
        all_cards_are_inert(person)
    await sophie.receives("en cours d’activation", within=30)
    for mail in sophie.mails:
        assert "\n" not in mail.subject
        assert "\r" not in mail.subject
        assert not ELSEWHERE.search(mail.content), mail.content
        assert "<script" not in mail.content.casefold()
        assert "onerror" not in re.sub(r">[^<]*<", "><", mail.content)
    assert any(CANARY in unescape(mail.content) for mail in sophie.mails)
    assert {one for mail in sophie.mails for one in mail.to} == {"sophie.kervella@fleurs-kervella.example"}
