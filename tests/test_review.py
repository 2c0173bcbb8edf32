"""« Toujours client ? » in the owner's chat; a « Non » opens the end of the mission for the administrators, and ends nothing."""

from sqlalchemy import select

import app
from services.models import Dossier, Review
from tests.conftest import Bot
from tests.teams import Firm
from tests.test_clicks import new_client
from tests.test_refused import refusals
from tests.test_reminders import MONDAY, monday

__all__ = ["monday"]


async def comes_due(bot: Bot) -> None:
    """The day has come: nobody waits a year for it."""
    store = app.open_store(bot.config)
    async with store.work() as work:
        boumar = await work.session.scalar(select(Dossier.id).where(Dossier.code == "BOUMAR"))
        await work.session.merge(Review(dossier_id=boumar, due_on=MONDAY.date(), reminded=False))
    await store.close()


async def test_once_a_year_then_a_no_is_the_administrators_turn(firm: Firm, monday: Bot) -> None:
    claire, malo, ines = firm.person("Claire"), firm.person("Malo"), firm.person("Inès")
    await new_client(claire)
    await malo.sees("Approuver l’activation")
    await malo.fills({"Activation de l'extension": True})
    await malo.clicks("Approuver l’activation")
    await claire.sees("Offre active")
    await monday.lets_pass(days=1)
    await comes_due(monday)
    await monday.restart()
    await malo.sees("Toujours client ? 1 dossier à confirmer")
    await monday.restart()
    await monday.lets_pass(days=14)
    await malo.sees("Rappel : ces dossiers attendent", "Cette liste est reprise plus bas")
    await monday.lets_pass()
    await malo.looks()
    asked = [one for one in malo.chat if "Enregistrer mes réponses" in one.buttons]
    assert len(asked) == 1

    await malo.clicks("Enregistrer mes réponses")
    await malo.sees("Aucune réponse n’est choisie")
    await malo.fills({"BOUMAR — Boulangerie Martin": "Non : à terminer"})
    await malo.clicks("Enregistrer mes réponses")
    await malo.sees("à terminer, a répondu Malo Le Goff", "Merci, tout est confirmé")
    asked[0].fills({"BOUMAR — Boulangerie Martin": "Oui, toujours"})
    await asked[0].click("Enregistrer mes réponses")
    await malo.sees("Quelqu’un a déjà répondu")

    await claire.sees("Dossier BOUMAR : à terminer ?", "Rien n’a changé")
    await ines.clicks("Terminer la mission…")
    await ines.sees("réservée aux administrateurs")
    assert [key for _, _, key in await refusals(monday)] == ["not_administrator"]
    await claire.clicks("Terminer la mission…")
    await claire.sees("BOUMAR — Boulangerie Martin", "Qui a quoi aujourd’hui")
    await claire.clicks("Continuer")
    await claire.sees("Terminer la mission", "Martin Paul")
    await claire.closes()
    await claire.sees("Offre active")
