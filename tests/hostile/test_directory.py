"""An Entra that says no while a form is being filled: the form stays, with everything typed in it."""

import pytest

from tests.teams import Firm
from tests.test_clicks import invites_paul
from tests.test_path import PAUL


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("status", [400, 403, 404, 503])
async def test_a_look_up_refused_does_not_close_the_form(firm: Firm, status: int) -> None:
    claire, paul = firm.person("Claire"), firm.person("Paul")
    firm.cloud.state.fail_next("GET", "/users*", status, times=20)
    await invites_paul(claire)
    assert claire.dialog is not None
    assert claire.dialog.says(PAUL["E-mail"])
    firm.cloud.state.faults.clear()
    await claire.clicks("Envoyer l’invitation")
    await claire.sees("est enregistrée")
    await paul.receives("vous invite")
