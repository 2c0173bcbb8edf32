"""The fictional firm everybody practises with: its tenant, its team, its people and its portfolio.

Every identifier here is stable, so a practice database survives a restart and a test may name a person. Domains end in
`.example` (RFC 2606): no mail of the practice firm can ever leave for somebody.
"""

import csv
import io
import random
import re
import unicodedata
from dataclasses import dataclass

FIRM_NAME = "Cabinet Duhamel & Associés"
DOMAIN = "cabinet-duhamel.example"
MAIL_FROM = f"passerelle@{DOMAIN}"
AGENCIES = ("Rennes", "Vannes")

TENANT_ID = "5d0a7f7e-3b1c-4d53-9a49-1f6c0a7c2e10"
APP_ID = "8e2f3c64-6f0b-4c3e-9b2d-77a1d0c5b9f1"
APP_SECRET = "practice-only~Lq8Qz0vJkW3nR5tY7uB1cD4eF6gH9"
BOT_MRI = f"28:{APP_ID}"
PERMISSIONS = ("User.Invite.All", "User.Read.All", "User.DeleteRestore.All", "Mail.Send")

TEAM_NAME = FIRM_NAME
TEAM_GROUP_ID = "c3a4d9b2-58e7-4f0d-8a36-b0d5e6f71a28"
TEAM_ID = "19:9f4c1d7a3b5e4e0fa2c8d6b7e1f03a59@thread.tacv2"  # the General channel's id is the team's
ADMIN_GROUP_ID = "0b7e15f3-9c42-4a8d-b6e0-2d9f8c31a574"  # an Entra group, for firms that do not use the owners


@dataclass(frozen=True, slots=True)
class StaffPerson:
    """Somebody of the firm: a member of the tenant and of the team. `locale` is their Teams client's (`fr-FR`)."""

    aad_id: str
    mri: str
    email: str
    name: str
    locale: str
    owner: bool
    agency: str


@dataclass(frozen=True, slots=True)
class Entrepreneur:
    """A client of the firm, not yet a guest. `mri` is theirs in Teams once they are; `code` is their first dossier."""

    mri: str
    email: str
    given_name: str
    surname: str
    mobile: str
    locale: str
    code: str

    @property
    def name(self) -> str:
        """As Entra shows it: « Paul Martin »."""
        return f"{self.given_name} {self.surname}"


def _staff(
    number: int, mail: str, name: str, agency: str, *, owner: bool = False, locale: str = "fr-FR"
) -> StaffPerson:
    return StaffPerson(
        aad_id=f"a1b2c3d4-0000-4000-8000-{number:012d}",
        mri=f"29:1staff{number:02d}-Zk4xW9bQm7TfHs2vRj8",
        email=f"{mail}@{DOMAIN}",
        name=name,
        locale=locale,
        owner=owner,
        agency=agency,
    )


CLAIRE = _staff(1, "claire.duhamel", "Claire Duhamel", "Rennes", owner=True)
YANN = _staff(2, "yann.guillou", "Yann Guillou", "Vannes", owner=True)
MALO = _staff(3, "malo.legoff", "Malo Le Goff", "Rennes")
INES = _staff(4, "ines.caradec", "Inès Caradec", "Vannes")
ERWAN = _staff(5, "erwan.tanguy", "Erwan Tanguy", "Rennes")
SOIZIC = _staff(6, "soizic.lebihan", "Soizic Le Bihan", "Vannes")
NOLWENN = _staff(7, "nolwenn.riou", "Nolwenn Riou", "Rennes")
EMMA = _staff(8, "emma.whitfield", "Emma Whitfield", "Vannes", locale="en-GB")
STAFF = (CLAIRE, YANN, MALO, INES, ERWAN, SOIZIC, NOLWENN, EMMA)

PAUL = Entrepreneur(
    mri="29:1client01-Qd6yU3nLc8PgKt5wXb1",
    email="paul.martin@boulangerie-martin.example",
    given_name="Paul",
    surname="Martin",
    mobile="+33612345678",
    locale="fr-FR",
    code="BOUMAR",
)
SOPHIE = Entrepreneur(
    mri="29:1client02-Hv2sE7zRa4MjNf9oYd3",
    email="sophie.kervella@fleurs-kervella.example",
    given_name="Sophie",
    surname="Kervella",
    mobile="+33612345679",
    locale="fr-FR",
    code="FLEKER",
)
ENTREPRENEURS = (PAUL, SOPHIE)

_COMMUNES = {
    "Rennes": (
        ("Rennes", "35000"), ("Cesson-Sévigné", "35510"), ("Bruz", "35170"), ("Betton", "35830"), ("Vitré", "35500"),
        ("Fougères", "35300"), ("Saint-Malo", "35400"), ("Dinard", "35800"), ("Redon", "35600"), ("Janzé", "35150"),
        ("Montfort-sur-Meu", "35160"), ("Liffré", "35340"), ("Combourg", "35270"), ("Châteaugiron", "35410"),
        ("Guichen", "35580"), ("Dinan", "22100"), ("Saint-Brieuc", "22000"), ("Lamballe-Armor", "22400"),
    ),
    "Vannes": (
        ("Vannes", "56000"), ("Lorient", "56100"), ("Auray", "56400"), ("Pontivy", "56300"), ("Ploërmel", "56800"),
        ("Séné", "56860"), ("Saint-Avé", "56890"), ("Theix-Noyalo", "56450"), ("Questembert", "56230"),
        ("Hennebont", "56700"), ("Lanester", "56600"), ("Carnac", "56340"), ("Quiberon", "56170"), ("Elven", "56250"),
        ("Locminé", "56500"), ("Sarzeau", "56370"), ("Quimper", "29000"), ("Quimperlé", "29300"),
    ),
}  # fmt: skip
_TRADES = (
    "Boulangerie", "Boucherie", "Charcuterie", "Poissonnerie", "Crêperie", "Pâtisserie", "Fleurs", "Garage",
    "Menuiserie", "Charpente", "Couverture", "Maçonnerie", "Plomberie", "Électricité", "Peinture", "Carrelage",
    "Paysages", "Coiffure", "Institut", "Pharmacie", "Optique", "Librairie", "Bar-tabac", "Restaurant", "Traiteur",
    "Ambulances", "Taxi", "Transports", "Nautisme", "Ostréiculture", "Cidrerie", "Brasserie", "Serrurerie",
    "Chauffage", "Terrassement", "Pressing", "Camping", "Imprimerie", "Informatique", "Auto-école",
)  # fmt: skip
_SURNAMES = (
    "Le Gall", "Tanguy", "Guéguen", "Le Roux", "Hervé", "Morvan", "Le Corre", "Kerjean", "Quéméner", "Lozac’h",
    "Riou", "Cadiou", "Jaouen", "Le Dantec", "Madec", "Nédélec", "Omnès", "Prigent", "Rolland", "Salaün", "Trévidic",
    "Urvoas", "Floc’h", "Bihannic", "Corbel", "Danielou", "Évenou", "Fouillard", "Gicquel", "Hamon", "Jégou",
    "Kermarrec", "Le Bris", "Mahé", "Oger", "Perrot", "Rault", "Thomas", "Vigouroux", "Briand",
)  # fmt: skip
_FORMS = ("", "", "", "SARL ", "SARL ", "EURL ", "SAS ", "SASU ")
_COLLABORATEURS = {"Rennes": (MALO, ERWAN, NOLWENN), "Vannes": (INES, SOIZIC, EMMA)}

COLUMNS = ("code", "name", "siren", "commune", "postcode", "agency", "collaborateur")
_HEADINGS = ("Code", "Raison sociale", "SIREN", "Commune", "Code postal", "Agence", "Collaborateur")


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Z]", "", plain.upper())


def _siren(chance: random.Random) -> str:
    # Numbers in 2… are kept for local authorities: a practice company never points at a real one.
    body = f"2{chance.randrange(10**7):07d}"
    doubled = sum(int(d) if i % 2 == 0 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(body))
    return f"{body}{-doubled % 10}"


def _row(code: str, name: str, siren: str, place: tuple[str, str], agency: str, owner: StaffPerson) -> dict[str, str]:
    return dict(zip(COLUMNS, (code, name, siren, *place, agency, owner.email), strict=True))


def portfolio(count: int = 340) -> list[dict[str, str]]:
    """`count` dossiers, the same at each call; keys are `COLUMNS`, `collaborateur` an e-mail, SIREN and code unique.

    The first two belong to the practice entrepreneurs; a third is Paul Martin's second company.
    """
    chance = random.Random(20_260_101)
    rows = [
        _row("BOUMAR", "Boulangerie Martin", _siren(chance), ("Rennes", "35000"), "Rennes", MALO),
        _row("FLEKER", "Fleurs Kervella", _siren(chance), ("Vannes", "56000"), "Vannes", INES),
        _row("SCIMAR", "SCI Martin du Thabor", _siren(chance), ("Rennes", "35000"), "Rennes", MALO),
    ]
    codes = {row["code"] for row in rows}
    sirens = {row["siren"] for row in rows}
    pairs = [(trade, surname) for trade in _TRADES for surname in _SURNAMES]
    for trade, surname in chance.sample(pairs, count - len(rows)):
        stem = _letters(trade)[:3] + _letters(surname)[:3]
        code = next(c for n in range(100) if (c := f"{stem}{n or ''}") not in codes)
        while (siren := _siren(chance)) in sirens:
            pass
        agency = chance.choice(AGENCIES)
        name = f"{chance.choice(_FORMS)}{trade} {surname}"
        rows.append(
            _row(code, name, siren, chance.choice(_COMMUNES[agency]), agency, chance.choice(_COLLABORATEURS[agency]))
        )
        codes.add(code)
        sirens.add(siren)
    return rows


def portfolio_csv(count: int = 340) -> str:
    """The portfolio as French Excel saves it: semicolons, CRLF, French headings. Text; the caller chooses the encoding."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(_HEADINGS)
    writer.writerows(row.values() for row in portfolio(count))
    return text.getvalue()
