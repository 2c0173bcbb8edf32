"""A verified activity in, the answer to it out. It carries; the engine decides."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

from botbuilder.core import TurnContext
from botbuilder.schema import Activity, ActivityTypes

from bot.adapter import Adapter
from bot.inbound import activity_of, turn_of
from bot.outbound import drawn, invoke_body, message_of
from dialogs.turn import Acted, Done, Post, Redraw, Reply, Turn
from services.errors import trace
from services.spans import DIALOG, Span, no_span

logger = logging.getLogger(__name__)

_encoded = json.JSONEncoder(allow_nan=False, check_circular=False, separators=(",", ":")).encode  # drawn, so a tree


class Handler:
    """Hands each turn to `answer` and gives Teams what it replies.

    `apology` is the sentence (in the language of a client locale such as fr-FR) shown when a turn fails or takes longer
    than `limit` seconds; Teams wants an invoke answered within about three. `on_turn` is told the kind of each turn,
    how long it took (seconds) and whether it was answered. `pseudonym` names a person in logs and in traces, from their id.
    """

    def __init__(
        self,
        adapter: Adapter,
        answer: Callable[[Turn], Awaitable[Reply]],
        apology: Callable[[str], Done],
        *,
        on_turn: Callable[[str, float, bool], None],
        pseudonym: Callable[[str], str] = lambda _: "-",
        span: Span = no_span,
        limit: float = 2.5,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._adapter = adapter
        self._answer = answer
        self._apology = apology
        self._on_turn = on_turn
        self._pseudonym = pseudonym
        self._span = span
        self._limit = limit
        self._clock = clock

    async def take(self, body: Mapping[str, Any]) -> bytes | None:
        """The JSON that answers an activity `bot.door` has let in; None: an empty answer. Raises nothing."""
        answer = b"{}"

        async def logic(context: TurnContext) -> None:
            nonlocal answer
            turn = turn_of(context.activity)
            if turn is not None:
                answer = await self._timed(context, turn)

        await self._adapter.run(activity_of(body), logic)
        return answer if body["type"] == ActivityTypes.invoke else None

    async def _timed(self, context: TurnContext, turn: Turn) -> bytes:
        started = self._clock()
        answered, body = await self._attempt(context, turn)
        self._on_turn(_kind(turn), self._clock() - started, answered)
        return body

    async def _attempt(self, context: TurnContext, turn: Turn) -> tuple[bool, bytes]:
        try:
            async with asyncio.timeout(self._limit):
                with self._span(DIALOG, kind=_kind(turn), who=self._pseudonym(turn.who.aad_id)):
                    reply = await self._answer(turn)
            return True, await _give(context, turn, reply)
        except Exception as error:
            self._log("turn failed", turn, error)
        try:
            return False, await _give(context, turn, self._apology(turn.who.locale))
        except Exception as error:
            self._log("apology failed", turn, error)
        return False, b"{}"

    def _log(self, event: str, turn: Turn, error: Exception) -> None:
        kind, who = _kind(turn), self._pseudonym(turn.who.aad_id)
        logger.error("%s: incident=%s kind=%s who=%s error=%s", event, uuid4().hex[:12], kind, who, trace(error))


def _kind(turn: Turn) -> str:
    return type(turn.what).__name__.lower()


async def _give(context: TurnContext, turn: Turn, reply: Reply) -> bytes:
    """Sends what is to be sent; gives the body that answers an invoke (unused for other activities)."""
    if context.activity.type == ActivityTypes.invoke:
        if isinstance(reply, Post):
            await _send(context, drawn(reply.message))
        # Encoded here, so that a reply that is not JSON fails while there is still somebody to apologise.
        return _encoded(invoke_body(turn.what, reply)).encode()
    message = message_of(turn.what, reply)
    if message is None:
        return b""
    if isinstance(reply, Redraw) and isinstance(turn.what, Acted) and turn.what.card_id:
        message.id = turn.what.card_id
        await context.update_activity(message)
    else:
        await _send(context, message)
    return b""


async def _send(context: TurnContext, message: Activity) -> None:
    """To where the turn came from. The context's own `send_activity` does the same after a copy of the whole card."""
    TurnContext.apply_conversation_reference(message, TurnContext.get_conversation_reference(context.activity))
    await context.adapter.send_activities(context, [message])
