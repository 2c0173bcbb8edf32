"""What a message says once the bot's own mention is out, and: whatever the envelope lets through can be read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.envelope import Unreadable, read
from bot.inbound import activity_of, turn_of
from dialogs.turn import Turn, Wrote
from tests.bot.kit import BOT, MRI, envelope

URL = "https://smba.trafficmanager.net/emea/"


def turn(activity: dict[str, Any]) -> Turn | None:
    return turn_of(activity_of(read(json.dumps(activity).encode())))


def written(text: str | None, *mentions: tuple[str, str], **changes: Any) -> str:
    """What is left of a text whose mentions are (text, mentioned id)."""
    entities = [
        {"type": "mention", "text": shown, "mentioned": {"id": mentioned, "name": "x"}} for shown, mentioned in mentions
    ]
    said = turn(envelope(URL, text=text, entities=entities, **changes))
    assert said is not None
    assert isinstance(said.what, Wrote)
    return said.what.text


US = ("<at>Passerelle</at>", BOT)
NAMESAKE = ("<at>Passerelle</at>", MRI)
PAUL = ("<at>Paul</at>", MRI)

MENTIONS: list[tuple[str | None, list[tuple[str, str]], str]] = [
    ("<at>Passerelle</at> menu", [US], "menu"),
    ("<at>Passerelle</at>&nbsp;menu", [US], "menu"),
    ("menu <at>Passerelle</at>", [US], "menu"),
    ("<at>Passerelle</at>", [US], ""),
    ("<at>Passerelle</at> que fait Passerelle ?", [US], "que fait Passerelle ?"),
    ("<at>Passerelle</at> <at>Passerelle</at> menu", [US, US], "menu"),
    ("<at>Passerelle</at> <at>Passerelle</at> menu", [US, NAMESAKE], "<at>Passerelle</at> menu"),
    ("<at>Passerelle</at> menu <at>Passerelle</at>", [NAMESAKE, US], "<at>Passerelle</at> menu"),
    ("<at>Passerelle</at> menu", [NAMESAKE], "<at>Passerelle</at> menu"),
    ("<at>Passerelle</at> inviter <at>Paul</at>", [US, PAUL], "inviter <at>Paul</at>"),
    ("<at>Paul</at> et <at>Passerelle</at>", [US, PAUL], "<at>Paul</at> et"),
    ('<at id="0">Passerelle</at> menu', [('<at id="0">Passerelle</at>', BOT)], "menu"),
    ("<at>P.*(x)[</at> menu", [("<at>P.*(x)[</at>", BOT)], "menu"),
    ("<at>A &amp; B</at> menu", [("<at>A &amp; B</at>", BOT)], "menu"),
    ("<at>Passerelle</at> menu", [], "<at>Passerelle</at> menu"),
    ("&lt;at&gt;Passerelle&lt;/at&gt; menu", [US], "<at>Passerelle</at> menu"),
    ("Durand &amp; Fils &lt;gérant&gt; &#233;t&eacute;", [], "Durand & Fils <gérant> été"),
    ("&amp;lt;", [], "&lt;"),
    ("  menu\n", [], "menu"),
    ("", [], ""),
    (None, [], ""),
]


@pytest.mark.parametrize(("text", "mentions", "left"), MENTIONS)
def test_only_the_bots_own_mention_is_taken_out(text: str | None, mentions: list[tuple[str, str]], left: str) -> None:
    assert written(text, *mentions) == left


def test_a_mention_without_its_text_takes_nothing_out() -> None:
    entities = [{"type": "mention", "mentioned": {"id": BOT}}, {"type": "clientInfo"}]
    said = turn(envelope(URL, text="<at>Passerelle</at> menu", entities=entities))
    assert said is not None
    assert said.what == Wrote("<at>Passerelle</at> menu")


def test_what_teams_leaves_out_is_empty() -> None:
    activity = envelope(URL, **{"from": {"id": MRI}})
    for name in ("id", "locale", "entities"):
        del activity[name]
    said = turn(activity)
    assert said is not None
    assert (said.id, said.who.aad_id, said.who.name, said.who.locale) == ("", "", "", "")


SCRAP = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KINDS = ["message", "invoke", "conversationUpdate", "installationUpdate", "typing"]
NAMES = ["task/fetch", "task/submit", "adaptiveCard/action", "application/search", "other"]
FIELDS = sorted({*envelope(URL), "name", "action", "value", "replyToId", "membersAdded", "membersRemoved"} - {"type"})
VALUES = SCRAP | st.fixed_dictionaries(
    {},
    optional={
        "data": SCRAP,
        "p": SCRAP | st.fixed_dictionaries({"do": SCRAP}),
        "action": SCRAP | st.fixed_dictionaries({}, optional={"verb": SCRAP, "data": SCRAP}),
        "trigger": SCRAP,
        "dataset": SCRAP,
        "queryText": SCRAP,
        "queryOptions": SCRAP | st.fixed_dictionaries({"top": SCRAP}),
    },
)


@given(
    kind=st.sampled_from(KINDS),
    name=st.sampled_from(NAMES),
    value=VALUES,
    spoilt=st.dictionaries(st.sampled_from(FIELDS), SCRAP, max_size=2),
)
def test_whatever_the_envelope_lets_in_can_be_read(kind: str, name: str, value: Any, spoilt: dict[str, Any]) -> None:
    activity = {**envelope(URL, type=kind, name=name, value=value), **spoilt}
    try:
        checked = read(json.dumps(activity).encode())
    except Unreadable:
        return
    turn_of(activity_of(checked))


@given(st.binary(max_size=300))
def test_any_bytes_are_an_activity_or_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body)
