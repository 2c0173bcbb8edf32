"""Everything the bot says and asks. The table of contents: its dialogs, its posted cards, and what follows each event."""

from collections.abc import Mapping, Sequence

from dialogs import (
    activate_offer,
    approve_activation,
    dossier,
    import_portfolio,
    interlocuteurs,
    invite_guest,
    link_interlocuteur,
    loop_task,
    menu,
    new_client,
    propose_offer,
    resend_invitation,
    retry_invitation,
    revoke_invitation,
    tracking,
    welcome,
)
from dialogs.dialog import Dialog
from dialogs.saying import Posted
from services import events, guests, imports, invitations, team
from services.outbox import Reaction

DIALOGS: tuple[Dialog, ...] = (
    new_client.DIALOG,
    invite_guest.DIALOG,
    activate_offer.DIALOG,
    link_interlocuteur.DIALOG,
    interlocuteurs.DIALOG,
    propose_offer.DIALOG,
    approve_activation.DIALOG,
    loop_task.DIALOG,
    dossier.DIALOG,
    resend_invitation.DIALOG,
    retry_invitation.DIALOG,
    revoke_invitation.DIALOG,
)

POSTED: tuple[Posted, ...] = (
    menu.POSTED,
    tracking.POSTED,
    invite_guest.POSTED,
    approve_activation.POSTED,
    loop_task.POSTED,
    import_portfolio.POSTED,
)

# One lane: what makes, renews and removes the same guest happens in order.
_invite = Reaction("send_invitation", guests.send_invitation, repeatable=True, lane="guest")
_renew = Reaction("renew_invitation", guests.renew_invitation, repeatable=True, lane="guest")
_remove_pending = Reaction("remove_pending_guest", guests.remove_pending_guest, repeatable=True, lane="guest")
_remove = Reaction("remove_guest", guests.remove_guest, repeatable=True, lane="guest")
_add_to_team = Reaction("add_to_team", team.add_to_team, repeatable=True)
_tell_offers = Reaction("tell_offers_changed", invitations.tell_offers_changed, repeatable=True)
_mail_invitation = Reaction("mail_invitation", invite_guest.mail_invitation, repeatable=False)
_say_invitation = Reaction("say_invitation", invite_guest.say_status, repeatable=False)
_mail_identifier = Reaction("mail_identifier", propose_offer.mail_identifier, repeatable=False)
_say_approval = Reaction("say_approval", approve_activation.say_request, repeatable=False)
_say_approval_in_chat = Reaction("say_approval_in_chat", approve_activation.say_request_in_chat, repeatable=False)
_mail_welcome = Reaction("mail_welcome", welcome.mail_welcome, repeatable=False)
_say_welcome = Reaction("say_welcome", welcome.say_welcome, repeatable=False)
_check_import = Reaction("check_import", imports.check_file, repeatable=True)
_take_import = Reaction("take_import", imports.take_in, repeatable=True)
_say_import = Reaction("say_import", import_portfolio.say_import, repeatable=False)
_say_task = Reaction("say_task", loop_task.say_task, repeatable=False)

REACTIONS: Mapping[type[events.Event], Sequence[Reaction]] = {
    events.InvitationRequested: (_invite, _say_invitation),
    events.GuestInvited: (_mail_invitation, _say_invitation),
    events.GuestRecognised: (_add_to_team, _say_invitation),
    events.InvitationAccepted: (_add_to_team, _say_invitation),
    events.InvitationFailed: (_say_invitation,),
    events.InvitationResent: (_renew, _say_invitation),
    events.InvitationRevoked: (_remove_pending, _say_invitation),
    events.GuestDismissed: (_remove,),
    events.OffersChanged: (_say_invitation,),
    events.OfferProposed: (_mail_identifier, _say_approval, _say_approval_in_chat, _tell_offers),
    events.OfferActivated: (_say_approval, _say_approval_in_chat, _mail_welcome, _say_welcome, _tell_offers),
    events.OfferWithdrawn: (_say_approval, _say_approval_in_chat, _tell_offers),
    events.OfferEnded: (_say_approval, _say_approval_in_chat, _tell_offers),
    events.LoopTaskLeft: (_say_task,),
    events.LoopTaskDone: (_say_task,),
    events.LoopTaskDropped: (_say_task,),
    events.OfferRefused: (_say_approval, _say_approval_in_chat, _tell_offers),
    events.ImportReceived: (_say_import, _check_import),
    events.ImportChecked: (_say_import,),
    events.ImportConfirmed: (_take_import,),
    events.ImportProgressed: (_say_import, _take_import),
    events.ImportFinished: (_say_import,),
}
