"""What the program gave up doing, as transcripts: told in « Général », tried again once, by an administrator only."""

import app
from practice import seed
from services.models import EffectState
from services.outbox import depth
from tests.conftest import Bot
from tests.teams import Firm
from tests.test_clicks import journal
from tests.test_invitations import invites
from tests.test_path import PAUL
from tests.test_refused import refusals


async def states(bot: Bot) -> dict[str, int]:
    store = app.open_store(bot.config)
    found = await depth(store)
    await store.close()
    return found


async def test_a_mail_refused_is_told_and_tried_again_exactly_once_by_an_administrator(firm: Firm, bot: Bot) -> None:
    claire, malo, paul = firm.person("Claire"), firm.person("Malo"), firm.person("Paul")
    firm.cloud.state.sending_mailboxes.clear()
    await invites(claire)
    await malo.sees("À réessayer : 1 action", "E-mail d’invitation · BOUMAR", "La boîte d’envoi du cabinet a refusé")
    await malo.sees_no(PAUL["E-mail"], "Martin Paul", "peut-être déjà parti")

    await malo.clicks("Réessayer")
    await malo.sees("réservée aux administrateurs", "E-mail d’invitation · BOUMAR")
    await malo.clicks("Abandonner")
    assert await refusals(bot) == [
        (seed.MALO.aad_id, f"refused.{verb}", "not_administrator") for verb in ("parked_again", "parked_drop")
    ]
    assert (await states(bot))[EffectState.PARKED] == 1

    card = claire.card("À réessayer : 1 action")
    firm.cloud.state.sending_mailboxes.add(seed.MAIL_FROM)
    await card.click("Réessayer")
    await claire.sees("C’est reparti")
    await card.click("Réessayer")
    await claire.sees("Quelqu’un s’en est déjà occupé")
    await paul.receives("vous invite")
    await malo.sees("Plus rien à réessayer")
    await bot.lets_pass(seconds=0)
    assert len(paul.mails) == 1
    assert [after for what, after in await journal(bot) if what == "effects.tried_again"] == ["mail_invitation"]


async def test_a_doubt_is_told_before_anybody_tries_again(firm: Firm, bot: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    firm.cloud.state.drop_next("POST", "/users/*/sendMail", times=2, done=True)
    await invites(claire)
    await paul.receives("vous invite")
    await bot.lets_pass(minutes=20)
    await claire.sees("À réessayer : 1 action", "Ce courriel est peut-être déjà parti")
    await claire.clicks("Abandonner")
    await claire.sees("C’est abandonné", "Plus rien à réessayer")
    await bot.lets_pass(seconds=0)
    assert (await states(bot)).keys() == {EffectState.DONE, EffectState.DROPPED}
    assert len(paul.mails) == 2  # Graph had taken both, and answered neither
    assert ("effects.dropped", "mail_invitation") in await journal(bot)


async def test_the_next_day_it_is_a_new_message_which_the_old_one_points_to(firm: Firm, bot: Bot) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    firm.cloud.state.sending_mailboxes.clear()
    await invites(claire)
    await claire.sees("À réessayer : 1 action")
    old = claire.card("À réessayer : 1 action")
    bot.clock.forward(days=1)
    await invites(claire, PAUL | {"E-mail": "sophie@boulangerie-martin.example", "Prénom": "Sophie"})
    await claire.sees("Liste reprise plus bas", "À réessayer : 2 actions", "Tout réessayer")
    await old.click("Réessayer")  # refused once more: parked anew
    await bot.lets_pass(seconds=1)
    firm.cloud.state.sending_mailboxes.add(seed.MAIL_FROM)
    await old.click("Réessayer")
    await claire.sees("Quelqu’un s’en est déjà occupé")
    assert paul.mails == []
    await claire.clicks("Tout réessayer")
    await paul.receives("vous invite")
    await claire.sees("Plus rien à réessayer")
    await bot.lets_pass(seconds=0)
    assert len(firm.cloud.state.mails) == 2


async def test_it_is_called_by_a_word_and_from_the_menu(firm: Firm, bot: Bot) -> None:
    claire, malo = firm.person("Claire"), firm.person("Malo")
    await claire.writes("À réessayer")
    await claire.sees("Plus rien à réessayer")
    await malo.writes("parked")
    await malo.sees("réservée aux administrateurs")
    firm.cloud.state.sending_mailboxes.clear()
    await invites(claire)
    await claire.sees("À réessayer : 1 action")
    await claire.writes("aide")
    await claire.clicks("À réessayer (1)")
    await claire.sees("E-mail d’invitation · BOUMAR")
