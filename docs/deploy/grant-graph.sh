#!/usr/bin/env bash
# Gives a managed identity the Graph permissions Passerelle needs, and no other: what `python app.py doctor` checks.
#
#   PRINCIPAL_ID=<principalId, an output of main.bicep> docs/deploy/grant-graph.sh
#
# Signed in with `az login` as somebody who may grant (Privileged Role Administrator). Read as the program reads them:
#   ADMIN_GROUP_ID      set: the administrators are that group's members
#   INVITE_TO_TEAM      true: accepted guests join the team
# and, both no unless said:
#   REMOVE_GUESTS       true: guests may be removed at the end of a mission
#   MAIL_ANY_MAILBOX    true: Mail.Send for every mailbox of the firm; rather give it for one, in Exchange (README.md)
# Safe to repeat; it takes nothing away.
set -euo pipefail

: "${PRINCIPAL_ID:?the object id of the managed identity}"
GRAPH=00000003-0000-0000-c000-000000000000

permissions=(User.Invite.All User.Read.All)
if [ -n "${ADMIN_GROUP_ID:-}" ]; then permissions+=(GroupMember.Read.All); fi
if [ "${INVITE_TO_TEAM:-false}" = true ]; then permissions+=(TeamMember.ReadWriteNonOwnerRole.All); fi
if [ "${REMOVE_GUESTS:-false}" = true ]; then permissions+=(User.DeleteRestore.All); fi
if [ "${MAIL_ANY_MAILBOX:-false}" = true ]; then permissions+=(Mail.Send); fi

assignments="https://graph.microsoft.com/v1.0/servicePrincipals/$PRINCIPAL_ID/appRoleAssignments"
resource=$(az ad sp show --id "$GRAPH" --query id --output tsv)
held=$(az rest --method get --url "$assignments" --query "value[?resourceId=='$resource'].appRoleId" --output tsv)

for permission in "${permissions[@]}"; do
  role=$(az ad sp show --id "$GRAPH" --output tsv \
    --query "appRoles[?value=='$permission' && contains(allowedMemberTypes, 'Application')].id | [0]")
  if grep --quiet --fixed-strings --line-regexp "$role" <<<"$held"; then
    echo "$permission: held"
    continue
  fi
  az rest --method post --url "$assignments" --output none --body \
    "{\"principalId\": \"$PRINCIPAL_ID\", \"resourceId\": \"$resource\", \"appRoleId\": \"$role\"}"
  echo "$permission: granted"
done
