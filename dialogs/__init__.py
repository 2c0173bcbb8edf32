"""Everything the bot says and asks. The table of contents: its dialogs, its posted cards, and what follows each event."""

from collections.abc import Mapping, Sequence

from dialogs import (
    activate_offer,
    approve_activation,
    approve_many,
    delegate,
    diagnostic,
    dossier,
    export,
    hand_over,
    import_clients,
    import_portfolio,
    interlocuteurs,
    invite_guest,
    link_interlocuteur,
    loop_task,
    menu,
    my_clients,
    my_space,
    new_client,
    parked,
    propose_offer,
    refusal,
    reminders,
    reminding,
    resend_invitation,
    retry_invitation,
    review,
    revoke_invitation,
    timeline,
    tracking,
    welcome,
)
from dialogs.dialog import Dialog
from dialogs.saying import Posted
from services import approvals, bulk, bulk_standing, deliveries, events, guests, imports, invitations, team
from services import reminders as due
from services.outbox import CHAT, DIRECTORY, GENERAL, MAIL, TEAM, Reaction

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
    hand_over.DIALOG,
    resend_invitation.DIALOG,
    retry_invitation.DIALOG,
    revoke_invitation.DIALOG,
    delegate.DIALOG,
    reminders.DIALOG,
    export.DIALOG,
    diagnostic.DIALOG,
)

POSTED: tuple[Posted, ...] = (
    menu.POSTED,
    tracking.POSTED,
    timeline.POSTED,
    my_clients.POSTED,
    my_clients.TO_DO,
    my_space.POSTED,
    parked.POSTED,
    invite_guest.POSTED,
    approve_activation.POSTED,
    approve_many.POSTED,
    review.POSTED,
    loop_task.POSTED,
    import_portfolio.POSTED,
    import_clients.POSTED,
    export.POSTED,
)

# One lane: what makes, renews and removes the same guest happens in order.
_invite = Reaction(
    "send_invitation",
    guests.send_invitation,
    repeatable=True,
    lane="guest",
    pool=DIRECTORY,
    gave_up=guests.give_up_inviting,
)
_renew = Reaction(
    "renew_invitation",
    guests.renew_invitation,
    repeatable=True,
    lane="guest",
    pool=DIRECTORY,
    gave_up=invitations.mail_in_doubt,
)
_remove_pending = Reaction(
    "remove_pending_guest", guests.remove_pending_guest, repeatable=True, lane="guest", pool=DIRECTORY
)
_remove = Reaction("remove_guest", guests.remove_guest, repeatable=True, lane="guest", pool=DIRECTORY)
_add_to_team = Reaction("add_to_team", team.add_to_team, repeatable=True, pool=TEAM)
_tell_offers = Reaction("tell_offers_changed", invitations.tell_offers_changed, repeatable=True)
_mail_invitation = Reaction(
    "mail_invitation", invite_guest.mail_invitation, repeatable=False, pool=MAIL, gave_up=invitations.mail_in_doubt
)
# Those of a list of new clients say nothing of their own in « Général » until a person is needed.
_tell_invitation = Reaction("tell_invitation", bulk_standing.tell_invitation, repeatable=True)
_tell_task = Reaction("tell_task", bulk_standing.tell_task, repeatable=True)
_say_invitation = Reaction("say_invitation", invite_guest.say_status, repeatable=False, pool=GENERAL)
_mail_identifier = Reaction(
    "mail_identifier",
    propose_offer.mail_identifier,
    repeatable=False,
    pool=MAIL,
    gave_up=invitations.offer_mail_in_doubt(deliveries.IDENTIFIER),
)
_say_approval = Reaction("say_approval", approve_activation.say_request, repeatable=False, pool=GENERAL)
# One lane: a card that is redrawn was posted first.
_say_refusal = Reaction("say_refusal", refusal.say_refusal, repeatable=False, lane="refusal", pool=GENERAL)
_redraw_refusals = Reaction("redraw_refusals", refusal.redraw_refusals, repeatable=True, lane="refusal", pool=GENERAL)
_say_approval_in_chat = Reaction(
    "say_approval_in_chat", approve_activation.say_request_in_chat, repeatable=False, pool=CHAT
)
_redraw_approval = Reaction("redraw_approval", approve_activation.redraw_request_elsewhere, repeatable=True, pool=CHAT)
_tell_many = Reaction("tell_many", approvals.tell, repeatable=True)
_say_many = Reaction(approvals.LANE, approve_many.say_many, repeatable=False, pool=CHAT)
_tell_answered = Reaction("tell_reminders_answered", due.tell_answered, repeatable=True)
_mail_reminder = Reaction("mail_reminder", reminding.mail_guest, repeatable=False, pool=MAIL)
# One lane: a card that is redrawn was posted first.
_say_decision = Reaction("say_decision", reminding.say_decision, repeatable=False, lane="decision", pool=GENERAL)
_redraw_decision = Reaction(
    "redraw_decision", reminding.redraw_decision, repeatable=True, lane="decision", pool=GENERAL
)
_say_reminder = Reaction("say_reminder", reminding.say_approvals, repeatable=False, lane="reminders", pool=CHAT)
_say_escalation = Reaction("say_escalation", reminding.say_approvals, repeatable=False, lane="reminders", pool=GENERAL)
_redraw_reminders = Reaction(
    "redraw_reminders", reminding.redraw_approvals, repeatable=True, lane="reminders", pool=CHAT
)
# One lane: a card that is redrawn was posted first.
_say_review = Reaction("say_review", review.say_review, repeatable=False, lane="review", pool=CHAT)
_redraw_review = Reaction("redraw_review", review.redraw_review, repeatable=True, lane="review", pool=CHAT)
_say_to_end = Reaction("say_to_end", review.say_to_end, repeatable=False, pool=GENERAL)
_tell_delegate = Reaction("tell_delegate", delegate.say_to_delegate, repeatable=False, pool=CHAT)
_tell_absent = Reaction("tell_absent", delegate.say_to_absent, repeatable=False, pool=CHAT)
_mail_welcome = Reaction(
    "mail_welcome",
    welcome.mail_welcome,
    repeatable=False,
    pool=MAIL,
    gave_up=invitations.offer_mail_in_doubt(deliveries.WELCOME),
)
_say_welcome = Reaction("say_welcome", welcome.say_welcome, repeatable=False, pool=CHAT, gave_up=welcome.teams_in_doubt)
_check_import = Reaction("check_import", imports.check_file, repeatable=True)
_take_import = Reaction("take_import", imports.take_in, repeatable=True)
# One lane: the card of a file is one, whatever the file turns out to be.
_say_import = Reaction("say_import", import_portfolio.say_import, repeatable=False, lane="import", pool=CHAT)
_say_clients = Reaction("say_clients", import_clients.say_clients, repeatable=False, lane="import", pool=CHAT)
_judge_clients = Reaction(
    "judge_clients",
    import_clients.judge_clients,
    repeatable=True,
    pool=DIRECTORY,
    gave_up=import_clients.give_up_judging,
)
_take_clients = Reaction(bulk.LANE, import_clients.take_clients, repeatable=True, lease=bulk.LEASE)
_offer_file = Reaction("offer_file", import_clients.offer_file, repeatable=False, lane="import", pool=CHAT)
_give_file = Reaction("give_file", import_clients.give_file, repeatable=False, pool=CHAT)
_offer_export = Reaction("offer_export", export.offer_export, repeatable=False, pool=CHAT)
_give_export = Reaction("give_export", export.give_export, repeatable=False, pool=CHAT)
_say_parked = Reaction("say_parked", parked.say_parked, repeatable=False, pool=GENERAL)
_say_task = Reaction("say_task", loop_task.say_task, repeatable=False, pool=GENERAL)

_decided = (_say_approval, _say_approval_in_chat, _redraw_approval, _tell_offers, _tell_answered, _tell_many)

REACTIONS: Mapping[type[events.Event], Sequence[Reaction]] = {
    events.InvitationRequested: (_invite, _tell_invitation),
    events.GuestInvited: (_mail_invitation, _tell_invitation),
    events.GuestRecognised: (_add_to_team, _tell_invitation),
    events.InvitationAccepted: (_add_to_team, _tell_invitation, _redraw_decision),
    events.InvitationFailed: (_say_invitation, _redraw_decision),
    events.InvitationResent: (_renew, _say_invitation, _redraw_decision),
    events.InvitationRevoked: (_remove_pending, _say_invitation, _redraw_decision),
    events.GuestDismissed: (_remove,),
    events.OffersChanged: (_tell_invitation,),
    events.InvitationChanged: (_say_invitation,),
    events.GuestReminded: (_mail_reminder,),
    events.DecisionDue: (_say_decision,),
    events.InvitationExpired: (_say_invitation, _redraw_decision),
    events.OfferProposed: (
        _mail_identifier,
        _say_approval,
        _say_approval_in_chat,
        _redraw_refusals,
    ),  # _say_approval tells the invitation’s card
    events.OfferActivated: (*_decided, _mail_welcome, _say_welcome),
    events.OfferRefused: (*_decided, _say_refusal),
    events.OfferWithdrawn: _decided,
    events.OfferEnded: _decided,
    events.ApprovalChanged: (_say_approval, _say_approval_in_chat, _redraw_approval, _tell_many),
    events.ApprovalMoved: (_say_approval, _say_approval_in_chat, _redraw_approval, _tell_answered, _tell_many),
    events.ApprovalsGathered: (_say_many,),
    events.ApprovalsReminded: (_say_reminder,),
    events.ApprovalsEscalated: (_say_escalation,),
    events.ReviewAsked: (_say_review,),
    events.ReviewChanged: (_redraw_review,),
    events.ReviewToEnd: (_say_to_end,),
    events.RemindersAnswered: (_redraw_reminders,),
    events.DelegationChanged: (_tell_delegate, _tell_absent),
    events.LoopTaskLeft: (_tell_task,),
    events.LoopTaskDone: (_tell_task,),
    events.LoopTaskDropped: (_tell_task,),
    events.LoopTaskChanged: (_say_task,),
    events.ImportReceived: (_say_import, _check_import),
    events.ImportChecked: (_say_import, _say_clients, _offer_file),
    events.ClientsRead: (_judge_clients,),
    events.ImportConfirmed: (_take_import, _take_clients),
    events.ClientsUnderWay: (_take_clients,),
    events.ImportProgressed: (_say_import, _take_import, _say_clients),
    events.ImportFinished: (_say_import, _say_clients, _offer_file),
    events.FileAccepted: (_give_file,),
    events.ExportAsked: (_offer_export,),
    events.ExportAccepted: (_give_export,),
    events.ParkedChanged: (_say_parked,),
}
