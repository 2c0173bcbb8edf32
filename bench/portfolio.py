"""A big firm's portfolio, made up, the same at each call; and which dossiers a search must find in it, by looking at each."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from random import Random

from services.dossiers import DossierRecord

STAFF, AGENCIES = 300, ("Rennes", "Vannes", "Brest", "Quimper", "Lorient", "Saint-Brieuc")
SHOWN = 8
"""Dossiers a search gives."""

_FORMS = (
    "",
    "",
    "",
    "",
    "SARL",
    "SARL",
    "SARL",
    "SAS",
    "SAS",
    "SASU",
    "EURL",
    "SCI",
    "SCI",
    "EARL",
    "GAEC",
    "Association",
)
_TRADES = (
    "Boulangerie", "Boucherie", "Charcuterie", "Poissonnerie", "Crêperie", "Pâtisserie", "Fleurs", "Garage", "Menuiserie",
    "Charpente", "Couverture", "Maçonnerie", "Plomberie", "Électricité", "Peinture", "Carrelage", "Paysages", "Coiffure",
    "Institut de beauté", "Pharmacie", "Optique", "Librairie", "Bar-tabac", "Restaurant", "Traiteur", "Ambulances", "Taxi",
    "Transports", "Nautisme", "Ostréiculture", "Cidrerie", "Brasserie", "Serrurerie", "Chauffage", "Terrassement", "Pressing",
    "Camping", "Imprimerie", "Informatique", "Auto-école", "Holding", "Immobilière", "Conseil", "Cabinet médical",
)  # fmt: skip
_GIVEN = (
    "Paul", "Marie", "Anne", "Yann", "Loïc", "Gaëlle", "Soizic", "Malo", "Inès", "Hervé", "Benoît", "Zoé", "Léa", "Noël",
    "Erwan", "Jean-Yves", "Françoise", "René", "Maël", "Chloé",
)  # fmt: skip
_KNOWN = (
    "Martin", "Le Gall", "Tanguy", "Guéguen", "Le Roux", "Hervé", "Morvan", "Le Corre", "Kerjean", "Quéméner", "Lozac’h",
    "Riou", "Cadiou", "Jaouen", "Le Dantec", "Madec", "Nédélec", "Omnès", "Prigent", "Rolland", "Salaün", "Thomas", "Robert",
    "Petit", "Durand", "Leroy", "Moreau", "Simon", "Laurent", "Lefèvre", "Michel", "Garcia", "Bertrand", "Garnier", "François",
    "O’Brien", "Nguyễn", "D’Aubigné", "Müller", "Lacœuille",
)  # fmt: skip
_MADE = tuple(
    map(
        "".join,
        product(
            ("Ker", "Le B", "Tré", "Plou", "Gou", "Cor", "Du", "Mé", "Ga", "Ro", "Qué", "Sau", "Bou", "Fou", "Vi", "La"),
            ("ma", "lo", "vé", "gui", "ra", "bè", "nne", "cha", "di", "zou", "sti", "pé"),
            ("r", "t", "rec", "nnec", "gat", "rd", "lier", "mont", "lec", "ç", "sson", "uën", "ux", "lle", "han", "dour"),
        ),
    )
)  # fmt: skip
_COMMUNES = (
    "Rennes", "Brest", "Quimper", "Lorient", "Vannes", "Saint-Malo", "Saint-Brieuc", "Lanester", "Fougères", "Concarneau",
    "Lannion", "Vitré", "Cesson-Sévigné", "Bruz", "Pontivy", "Ploërmel", "Douarnenez", "Séné", "Auray", "Redon", "Dinan",
    "Theix-Noyalo", "L’Île-aux-Moines", "Quimperlé", "Guérande",
)  # fmt: skip
_HAMLETS = tuple(
    map(
        "".join,
        product(
            ("Saint-", "Plou", "Lan", "Tré", "Guer", "La Chapelle-", "Loc", "Pleu"),
            ("Avé", "gastel", "drévez", "guer", "nec", "meur", "bihan", "ven", "Gilles", "Jean", "Père", "tudy"),
            ("", "", "-sur-Mer", "-le-Vieux", "-des-Bois", "-Bihan"),
        ),
    )
)


def records(count: int) -> Iterator[DossierRecord]:
    """The first `count` dossiers. A few names and towns are everywhere, most are rare; codes are the firm's, each its own."""
    chance = Random(11)
    for number in range(count):
        surname = chance.choice(_KNOWN if chance.random() < 0.4 else _MADE)
        commune = chance.choice(_COMMUNES if chance.random() < 0.6 else _HAMLETS)
        name = _company(chance, surname, commune)
        owner = chance.randrange(STAFF)
        stem = "".join(_folded(surname))[:4].upper()
        code = f"{stem}-{number}" if number % 10 == 0 else f"{stem}{number:05}" if number % 2 else f"{number:07}"
        agency = AGENCIES[owner % len(AGENCIES)]
        yield DossierRecord(code, name, _siren(chance), commune, agency, f"c{owner}@cabinet.example")


def _company(chance: Random, surname: str, commune: str) -> str:
    trade, given = chance.choice(_TRADES), chance.choice(_GIVEN)
    people = (f"{trade} {surname}", f"{trade} {given} {surname}", f"{surname} et Fils", f"{given} {surname}")
    others = (f"{trade} de {commune}", f"{surname} {trade}", f"L’Atelier de {given}")
    shape = chance.choice((*people, *others))
    return f"{chance.choice(_FORMS)} {shape}".strip()


def _siren(chance: Random) -> str:
    # Numbers in 2… are kept for local authorities: a made-up company never points at a real one.
    body = f"2{chance.randrange(10**7):07d}"
    doubled = sum(int(d) if i % 2 == 0 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(body))
    return f"{body}{-doubled % 10}"


_WORD = re.compile(r"[a-z0-9]+")


def _folded(text: str) -> list[str]:
    plain = unicodedata.normalize("NFD", text.lower().replace("œ", "oe"))
    return _WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


def _line(one: DossierRecord) -> str:
    code = _folded(one.code)
    found = (*_folded(one.company), *code, "".join(code), one.siren, *_folded(one.commune))
    return "".join(f" {word}" for word in dict.fromkeys(found))


class Portfolio:
    """What is kept of it, to look through dossier by dossier, and without anything of what it judges."""

    def __init__(self, kept: Sequence[DossierRecord]) -> None:
        found = sorted((_line(one), one.code) for one in kept)
        self._lines = [line for line, _ in found]
        self._codes = [code for _, code in found]
        self._whole = {one.code: [one.code] for one in kept}
        for one in kept:
            self._whole.setdefault(one.siren, []).append(one.code)
        self._with = lru_cache(64)(self._starting)

    def first(self, typed: str) -> list[str]:
        """The codes a search must show, in order: typed whole, then companies that begin with all of it, with a word of it."""
        found = sorted(self._whole.get(typed.upper(), []))
        words = _folded(typed)
        digits = "".join(words)
        if digits.isdecimal():
            found += sorted(self._whole.get(digits, [])) + self._fitting([digits])
        return list(dict.fromkeys(found + self._fitting(words)))[:SHOWN]

    def _fitting(self, words: Sequence[str]) -> list[str]:
        told = [one for one in words if not any(other != one and other.startswith(one) for other in words)]
        fits = min((self._with(one) for one in told), key=len, default=range(len(self._lines)))
        fits = [number for number in fits if all(f" {one}" in self._lines[number] for one in told)]
        whole = [number for number in fits if self._lines[number].startswith(f" {' '.join(dict.fromkeys(words))}")]
        leading = [number for number in fits if self._lines[number].startswith(tuple(f" {one}" for one in told))]
        return [self._codes[number] for number in dict.fromkeys((*whole[:SHOWN], *leading[:SHOWN], *fits[: 2 * SHOWN]))]

    def _starting(self, prefix: str) -> Sequence[int]:
        """The dossiers having a word that starts so, by company: some of those that fit with a letter less."""
        some = self._with(prefix[:-1]) if len(prefix) > 1 else range(len(self._lines))
        return [number for number in some if f" {prefix}" in self._lines[number]]
