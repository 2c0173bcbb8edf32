"""What Teams says, in the program's words: Activity -> Turn.

Shapes of the activities: "Conversation events in your Teams bot", "Universal Actions for Adaptive Cards", "Use dialogs
with bots" (learn.microsoft.com/microsoftteams/platform).
"""

import html
import re
from collections.abc import Mapping
from typing import Any

from botbuilder.schema import Activity, Attachment, ChannelAccount, ConversationAccount, Entity

from bot.envelope import FILE
from dialogs.turn import (
    Acted,
    Arrived,
    Consented,
    Departed,
    Opened,
    Refreshed,
    Sender,
    SentFile,
    Sought,
    Submitted,
    Turn,
    What,
    Wrote,
)
from services.ports import Place, PlaceKind, Upload

TYPEAHEAD_ROWS = 15


def activity_of(body: Mapping[str, Any]) -> Activity:
    """The SDK's activity with the fields `bot.envelope` has checked, and no others.

    Built by hand: the SDK's own reading costs fifteen times more, raises on fields nobody reads, and lets the sender
    choose modes (`deliveryMode`) in which the SDK answers in our place.
    """
    sender, recipient, conversation = body["from"], body["recipient"], body["conversation"]
    return Activity(
        type=body["type"],
        id=body.get("id"),
        name=body.get("name"),
        action=body.get("action"),
        text=body.get("text"),
        locale=body.get("locale"),
        value=body.get("value"),
        reply_to_id=body.get("replyToId"),
        service_url=body["serviceUrl"],
        channel_id=body["channelId"],
        channel_data=body["channelData"],
        from_property=ChannelAccount(id=sender["id"], name=sender.get("name"), aad_object_id=sender.get("aadObjectId")),
        recipient=ChannelAccount(id=recipient["id"], name=recipient.get("name")),
        conversation=ConversationAccount(
            id=conversation["id"],
            conversation_type=conversation.get("conversationType"),
            tenant_id=conversation.get("tenantId"),
        ),
        entities=[_entity(row) for row in body.get("entities") or ()],
        attachments=[_file(row) for row in body.get("attachments") or () if row.get("contentType") == FILE],
        members_added=_accounts(body.get("membersAdded")),
        members_removed=_accounts(body.get("membersRemoved")),
    )


def turn_of(activity: Activity) -> Turn | None:
    """The turn an activity is, None where it is nothing to the program (a reaction, a renamed channel, …)."""
    what = _what(activity)
    if what is None:
        return None
    return Turn(id=activity.id or "", who=_who(activity), where=_where(activity), what=what)


def _entity(row: Mapping[str, Any]) -> Entity:
    entity = Entity(type=row["type"])
    entity.additional_properties = {name: value for name, value in row.items() if name != "type"}
    return entity


def _file(row: Mapping[str, Any]) -> Attachment:
    return Attachment(content_type=FILE, name=row.get("name"), content=row["content"])


def _accounts(rows: list[dict[str, Any]] | None) -> list[ChannelAccount]:
    return [ChannelAccount(id=row["id"]) for row in rows or ()]


def _who(activity: Activity) -> Sender:
    sender = activity.from_property
    return Sender(
        aad_id=sender.aad_object_id or "",
        mri=sender.id,
        name=sender.name or "",
        locale=activity.locale or "",
        tenant_id=activity.conversation.tenant_id,
    )


def _where(activity: Activity) -> Place:
    # A group chat has several readers, like a channel: only a 1:1 conversation is personal.
    personal = activity.conversation.conversation_type == "personal"
    team = activity.channel_data.get("team") or {}
    return Place(
        kind=PlaceKind.PERSONAL if personal else PlaceKind.CHANNEL,
        conversation_id=activity.conversation.id.partition(";messageid=")[0],
        service_url=activity.service_url,
        tenant_id=activity.conversation.tenant_id,
        bot_id=activity.recipient.id,
        team_id=team.get("id"),
        group_id=team.get("aadGroupId"),
        user_mri=activity.from_property.id if personal else None,
    )


def _what(activity: Activity) -> What | None:
    match activity.type:
        case "message":
            return _message(activity)
        case "invoke":
            return _invoke(activity)
        case "installationUpdate":
            return _installation(activity.action)
        case "conversationUpdate":
            return _membership(activity)
        case _:
            return None


def _message(activity: Activity) -> What:
    if activity.attachments:
        first = activity.attachments[0]
        return SentFile(first.name or "", first.content["downloadUrl"], len(activity.attachments))
    if activity.value is None:
        return Wrote(html.unescape(_without_mention(activity)).strip())
    ours = activity.value.get("p") or {}
    return Acted(ours.get("do") or "", activity.value, activity.reply_to_id)


def _invoke(activity: Activity) -> What | None:
    match activity.name:
        case "task/fetch":
            return Opened(activity.value.get("data") or {})
        case "task/submit":
            return Submitted(activity.value.get("data") or {})
        case "adaptiveCard/action":
            return _execute(activity)
        case "fileConsent/invoke":
            return _consented(activity.value)
        case "application/search":
            top = (activity.value.get("queryOptions") or {}).get("top") or TYPEAHEAD_ROWS
            return Sought(
                activity.value.get("dataset") or "",
                activity.value.get("queryText") or "",
                top if 0 < top < TYPEAHEAD_ROWS else TYPEAHEAD_ROWS,
            )
        case _:
            return None


def _execute(activity: Activity) -> Acted | Refreshed:
    action = activity.value["action"]
    verb, data = action.get("verb") or "", action.get("data") or {}
    if activity.value.get("trigger") == "automatic":
        return Refreshed(verb, data)
    return Acted(verb, data, activity.reply_to_id)


def _consented(value: Mapping[str, Any]) -> Consented:
    """Source: "Send and receive files through the bot"."""
    told, upload = value.get("uploadInfo"), None
    if value["action"] == "accept" and told:
        upload = Upload(
            put_url=told["uploadUrl"],
            name=told["name"],
            content_url=told["contentUrl"],
            unique_id=told["uniqueId"],
            file_type=told.get("fileType") or "",
        )
    return Consented(value.get("context") or {}, upload)


def _installation(action: str | None) -> What | None:
    match action:
        case "add" | "add-upgrade":
            return Arrived(bot=True)
        case "remove":
            return Departed()
        case _:
            return None


def _membership(activity: Activity) -> What | None:
    bot = activity.recipient.id
    added = [member.id for member in activity.members_added]
    if added:
        return Arrived(bot=bot in added, mris=tuple(mri for mri in added if mri != bot))
    if any(member.id == bot for member in activity.members_removed):
        return Departed()
    return None


_AT = re.compile(r"<at\b[^<>]*>[^<>]*</at>", re.IGNORECASE)


def _without_mention(activity: Activity) -> str:
    """The text without the spans that mention the bot itself, each entity standing for one span.

    A person of the same name keeps theirs, and so does the name written in plain words.
    """
    mentions = [
        (entity.additional_properties.get("text"), entity.additional_properties["mentioned"]["id"])
        for entity in activity.entities
        if entity.type == "mention"
    ]

    def kept(match: re.Match[str]) -> str:
        for number, (text, mentioned) in enumerate(mentions):
            if text == match[0]:
                del mentions[number]
                return "" if mentioned == activity.recipient.id else match[0]
        return match[0]

    return _AT.sub(kept, activity.text or "")
