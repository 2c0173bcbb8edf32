"""What happened, in the past tense. An event names its subject; whoever reacts reads the present state from the store."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """A committed fact. `subject` is the id of the row it is about."""

    subject: str


class InvitationRequested(Event):
    """An administrator asked for a guest; Graph has not been called yet."""


class GuestInvited(Event):
    """Graph made (or already had) the guest and gave the redeem link; our mail is due."""


class GuestRecognised(Event):
    """The guest was already in the tenant: nothing to send."""


class InvitationAccepted(Event):
    """The guest redeemed the invitation. Says nothing about having signed in to Teams."""


class InvitationFailed(Event):
    """Graph refused for good; the reason is on the invitation."""


class InvitationResent(Event):
    """An administrator asked for it once more; a fresh link, then our mail, are due."""


class InvitationRevoked(Event):
    """The invitation no longer holds; a guest who never accepted goes with it."""


class GuestDismissed(Event):
    """Nothing keeps this person on the tenant any more: their guest account is to go. The subject is their invitation."""


class OffersChanged(Event):
    """What an invited person has, or is proposed, changed. The subject is their invitation."""


class GuestReminded(Event):
    """A guest who has not accepted is due one more mail."""


class DecisionDue(Event):
    """The guest's last reminder left: whether to send anew or to revoke is the administrator's. The subject is the invitation."""


class InvitationExpired(Event):
    """Nobody waits for this guest's answer any more."""


class OfferProposed(Event):
    """A proposition exists; the client's identifier mail and the collaborateur's card are due."""


class OfferActivated(Event):
    """The collaborateur confirmed « Activation de l'extension »; the welcome is due."""


class OfferRefused(Event):
    """The collaborateur refused, with a reason for the administrator."""


class OfferWithdrawn(Event):
    """The proposition was taken back before it was active."""


class OfferEnded(Event):
    """The person had the offer, and no longer has it."""


class ApprovalChanged(Event):
    """Who may approve a proposition changed, or they were reminded. The subject is the proposition."""


class ApprovalMoved(Event):
    """A proposition that awaits an approval has another collaborateur, who is asked anew. The subject is the proposition."""


class ApprovalsGathered(Event):
    """What awaits one person’s approval changed, and a card lists it. The subject is the collaborateur."""


class ApprovalsReminded(Event):
    """A collaborateur is due a word about what awaits their approval. The subject is a batch of reminders."""


class ApprovalsEscalated(Event):
    """The administrators are due a word about what still awaits a collaborateur. The subject is a batch of reminders."""


class ReviewAsked(Event):
    """Somebody is asked whether dossiers are still clients. The subject is the card’s batch."""


class ReviewChanged(Event):
    """One of them was answered, or is asked about on a newer card. The subject is the batch."""


class ReviewToEnd(Event):
    """It is no client any more, says whoever has the dossier: the administrators’ turn. The subject is the dossier."""


class RemindersAnswered(Event):
    """Something that a batch of reminders is about was decided. The subject is the batch."""


class DelegationChanged(Event):
    """A collaborateur's dossiers are to be, are, or are no longer entrusted to a colleague."""


class LoopTaskLeft(Event):
    """Something is to be done by hand in Loop, and was not done at once."""


class LoopTaskDone(Event):
    """Someone confirmed that it is done in Loop."""


class LoopTaskDropped(Event):
    """What was to be done in Loop is needed no more."""


class ImportReceived(Event):
    """Someone sent a file of dossiers; it is still to be read."""


class ImportChecked(Event):
    """The file was read: what each line would change, or why it cannot be taken in, is known."""


class ClientsRead(Event):
    """The file is a list of new clients: some of its lines are still to be judged."""


class ImportConfirmed(Event):
    """Its sender wants the lines taken in; also after a pause."""


class ImportProgressed(Event):
    """Some lines are taken in, others still to come."""


class ClientsUnderWay(Event):
    """Lines of a list of new clients are still to be taken in, or to be seen through."""


class FileAccepted(Event):
    """Someone accepted the file about their list of clients, and Teams said where to put it. The subject is the import."""


class ExportAsked(Event):
    """An administrator wants a file of ours in their chat. The subject is the export."""


class ExportAccepted(Event):
    """They accepted it, and Teams said where to put it."""


class InvitationChanged(Event):
    """What the card of an invitation shows changed, and « Général » is to see it."""


class LoopTaskChanged(Event):
    """The same of something to be done by hand in Loop."""


class ImportFinished(Event):
    """Nothing of it is left to do: every line that could be taken in is, or its sender gave it up."""


class ParkedChanged(Event):
    """What the program gave up doing is more, or less. One subject for all of it: services.parked.EVERYTHING."""


EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        InvitationRequested,
        GuestInvited,
        GuestRecognised,
        InvitationAccepted,
        InvitationFailed,
        InvitationResent,
        InvitationRevoked,
        GuestDismissed,
        OffersChanged,
        GuestReminded,
        DecisionDue,
        InvitationExpired,
        OfferProposed,
        OfferActivated,
        OfferRefused,
        OfferWithdrawn,
        OfferEnded,
        ApprovalChanged,
        ApprovalMoved,
        ApprovalsGathered,
        ApprovalsReminded,
        ApprovalsEscalated,
        ReviewAsked,
        ReviewChanged,
        ReviewToEnd,
        RemindersAnswered,
        DelegationChanged,
        LoopTaskLeft,
        LoopTaskDone,
        LoopTaskDropped,
        ImportReceived,
        ImportChecked,
        ClientsRead,
        ImportConfirmed,
        ClientsUnderWay,
        FileAccepted,
        ExportAsked,
        ExportAccepted,
        InvitationChanged,
        LoopTaskChanged,
        ImportProgressed,
        ImportFinished,
        ParkedChanged,
    )
}


def packed(event: Event) -> dict[str, object]:
    """The event as JSON data, its kind left to the caller."""
    return asdict(event)
