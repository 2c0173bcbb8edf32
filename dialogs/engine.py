"""Turn -> Reply, for every flow: where it goes, who may, in which language. Inside a dialog, `dialogs.stepper` goes on."""

from collections.abc import Mapping
from typing import Any

from cards import render
from dialogs.dialog import Ctx, Dialog
from dialogs.fields import typed_text
from dialogs.menu import launch_card, menu_card, notice_card, search_rows
from dialogs.saying import Posted
from dialogs.stepper import Stepper, watched
from dialogs.turn import (
    Acted,
    Arrived,
    Consented,
    Departed,
    Done,
    Nothing,
    Opened,
    Post,
    Redraw,
    Refreshed,
    Reply,
    SentFile,
    Sought,
    Submitted,
    Suggest,
    Turn,
    Wrote,
)
from services import people, places, spaces
from services.errors import Refused, Unavailable
from services.ports import Message, Place, PlaceKind, Upload
from services.record import Services


class Engine:
    """Answers turns. Holds tables, and the places of the last minute; every state is in the store."""

    def __init__(self, services: Services, dialogs: tuple[Dialog, ...], posted: tuple[Posted, ...]) -> None:
        self._services = services
        self._stepper = Stepper({dialog.name: dialog for dialog in dialogs})
        callable_by_word: tuple[Dialog | Posted, ...] = (*dialogs, *posted)
        self._commands = {word: one for one in callable_by_word for word in one.commands}
        self._verbs = {verb: kind for kind in posted for verb in (kind.name, *kind.acts)}
        self._searches = {dataset: search for kind in posted for dataset, search in kind.searches.items()}
        self._seen = places.Seen(services.store.clock)
        self._for_guests = next((kind for kind in posted if kind.for_guests), None)
        self._on_file = next((kind.on_file for kind in posted if kind.on_file), None)

    async def answer(self, turn: Turn) -> Reply:
        """The reply to one verified turn. A refusal is an ordinary answer: a sentence in the person's language."""
        new_here = await self._remember(turn)
        if isinstance(turn.what, Arrived) and not new_here:
            return Nothing()  # Teams announces an installation twice; one menu is enough
        locale = render.locale_of(turn.who.locale, self._services.firm.locale)
        ctx = Ctx(self._services, turn.who, locale)
        try:
            return await self._route(ctx, turn)
        except (Refused, Unavailable) as fault:
            return self._sorry(ctx, turn, fault)

    async def _route(self, ctx: Ctx, turn: Turn) -> Reply:
        match turn.what:
            case Wrote() | Arrived(bot=True) if (
                self._for_guests and turn.where.kind is PlaceKind.PERSONAL and await self._is_stranger(ctx)
            ):
                card = await self._for_guests.draw(ctx, "")
                return Post(Message(card, card["fallbackText"]))
            case Wrote(text):
                return await self._wrote(ctx, text)
            case Opened(data):
                return await self._stepper.open(ctx, _ours(data))
            case Submitted(data):
                return await self._stepper.submit(ctx, _ours(data), data)
            case Acted(verb, data):
                return await self._acted(ctx, verb, _ours(data), data)
            case Refreshed(verb, data):
                return await self._drawn(ctx, verb, _ours(data))
            case Sought(dataset, text, top):
                async with watched(ctx, "search"):
                    return Suggest(await self._sought(ctx, dataset, text, top))
            case Consented(data, upload):
                return await self._consented(ctx, _ours(data), upload)
            case SentFile():
                return await self._sent_file(ctx, turn.what, turn.where)
            case Arrived(bot=True):
                return Post(Message(await menu_card(ctx), render.text("menu.summary", ctx.locale)))
            case _:
                return Nothing()

    # --- someone writes

    async def _wrote(self, ctx: Ctx, text: str) -> Reply:
        words = people.words(text)
        asked = (self._commands.get(" ".join(words[:2])) or self._commands.get(words[0])) if words else None
        if isinstance(asked, Dialog):
            card = launch_card(ctx, asked.name)
        elif asked is not None:
            async with watched(ctx, asked.name):
                card = await asked.draw(ctx, "")
        else:
            card = await menu_card(ctx, text.strip() or None)
        return Post(Message(card, render.text("menu.summary", ctx.locale)))

    async def _is_stranger(self, ctx: Ctx) -> bool:
        """Whether they are not of the firm: guests above all. Unavailable where neither Entra nor we can say.

        Who is known to us, of the firm or invited, is answered while Entra is silent: neither answer lets anybody act.
        """
        roles, aad_id = ctx.services.roles, ctx.who.aad_id
        try:
            return await roles.staff_member(aad_id) is None
        except Refused:
            return False  # in nobody's team yet
        except Unavailable:
            if roles.was_staff(aad_id):
                return False
            async with ctx.services.store.read() as session:
                if await spaces.of_account(session, aad_id) is None:
                    raise
            return True

    async def _sought(self, ctx: Ctx, dataset: str, text: str, top: int) -> tuple[tuple[str, str], ...]:
        search = self._searches.get(dataset)
        return tuple(await search(ctx, text, top)) if search else await search_rows(ctx, dataset, text, top)

    async def _sent_file(self, ctx: Ctx, file: SentFile, where: Place) -> Reply:
        if self._on_file is None or where.kind is not PlaceKind.PERSONAL:
            raise Refused("file_not_private")
        async with watched(ctx, "file"):
            return await self._on_file(ctx, file)

    async def _consented(self, ctx: Ctx, ours: Mapping[str, Any], upload: Upload | None) -> Reply:
        take = self._kind(str(ours.get("do"))).on_consent
        if take is None:
            raise Refused("card_unknown")
        async with watched(ctx, "file", str(ours.get("id"))):
            return await take(ctx, str(ours.get("id")), upload)

    # --- someone clicks on a posted card

    async def _acted(self, ctx: Ctx, verb: str, ours: Mapping[str, Any], data: Mapping[str, Any]) -> Reply:
        kind = self._kind(verb)
        act, subject = kind.acts.get(verb), str(ours.get("id"))
        async with watched(ctx, verb, subject):
            if act is None:
                return await self._drawn(ctx, verb, ours)
            await self._keep_out_guests(ctx, kind)
            inputs = {name: typed_text(value) for name, value in data.items() if name != "p"}
            return await act(ctx, subject, inputs)

    async def _drawn(self, ctx: Ctx, verb: str, ours: Mapping[str, Any]) -> Reply:
        kind = self._kind(verb)
        await self._keep_out_guests(ctx, kind)
        return Redraw(await kind.draw(ctx, str(ours.get("id"))))

    async def _keep_out_guests(self, ctx: Ctx, kind: Posted) -> None:
        try:
            stranger = not kind.for_guests and await self._is_stranger(ctx)
        except Unavailable:
            return  # nobody we invited; whatever changes anything asks again
        if stranger:
            raise Refused("not_staff")

    def _kind(self, verb: str) -> Posted:
        try:
            return self._verbs[verb]
        except KeyError:
            raise Refused("card_unknown") from None

    # --- shared

    def _sorry(self, ctx: Ctx, turn: Turn, fault: Refused | Unavailable) -> Reply:
        facts = fault.facts if isinstance(fault, Refused) else {}
        sentence = render.text(f"errors.{fault.key}", ctx.locale, **facts)
        match turn.what:
            case Opened() | Submitted():
                return Done(sentence)
            case Acted() | Refreshed():
                return Redraw(notice_card(ctx, sentence))
            case Sought():
                return Suggest(())
            case _:
                return Post(Message(notice_card(ctx, sentence), sentence))

    async def _remember(self, turn: Turn) -> bool:
        """Keep where the turn came from; gives whether that place is new."""
        store = self._services.store
        key, place = _place(turn)
        if isinstance(turn.what, Arrived | Departed):
            self._seen.forget(key)
        elif self._seen.lately(key, place):
            return False
        known = await places.find(store, key)
        if known is not None and known.team_id != place.team_id:
            return False  # the bot serves one team: a second one does not take the first one's place
        if isinstance(turn.what, Departed):
            await places.forget(store, key)
            return False
        if known is not None and place.group_id is None:
            return False  # Teams leaves the group id out of some activities
        return await places.remember(store, key, place)


def _ours(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Our part of a card's data: opaque ids, a step and a version, nothing else is believed."""
    ours = data.get("p")
    return ours if isinstance(ours, Mapping) else {}


def _place(turn: Turn) -> tuple[str, Place]:
    where = turn.where
    if where.kind is PlaceKind.PERSONAL:
        return places.personal(turn.who.aad_id), where
    general = Place(  # the General channel's id is the team's id, whatever the firm named it
        where.kind,
        where.team_id or where.conversation_id,
        where.service_url,
        where.tenant_id,
        where.bot_id,
        where.team_id,
        where.group_id,
    )
    return places.GENERAL, general
