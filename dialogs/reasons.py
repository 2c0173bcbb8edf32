"""Why something did not leave, in words: the reasons that the outbox and the deliveries keep as keys."""

from cards import render
from cards.words import words_of


def sentence(key: str, locale: str) -> str:
    """The sentence of a reason. What a refusal was about is not kept: one whose words need it is told by its key."""
    ours, common = words_of("parked", locale), words_of("common", locale)
    found = ours.get(f"reasons.{key}") or common.get(f"errors.{key}", "{")
    return render.text("parked.other_reason", locale, code=key) if "{" in found else found
