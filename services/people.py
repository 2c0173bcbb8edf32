"""What is typed about a person -> what is stored: e-mail addresses, phone numbers, names, places. Pure functions.

The rules of e-mail and of phone numbers take a while to import, and the program is ready without them: they are imported by
who uses them (app.py sees to it that no person waits for that).
"""

import re
import unicodedata

from services.errors import Refused

# --- text

# Invisible, and no part of a name: zero-width space, soft hyphen, byte order mark, reading directions. The joiners
# U+200C and U+200D stay: Persian and Indian names need them.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ud800-\udfff]")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\s\u2028\u2029]+")
# Letters Unicode does not take apart, though people type them plain: Œuvrard, Søren, Łukasz, Đỗ.
_PLAIN = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i"})


def one_line(typed: str) -> str:
    """Typed text on one line, as typed: O’Brien, d’Aubigné, Nguyễn. Only control characters and extra spaces go."""
    return _BREAKS.sub(" ", _UNSEEN.sub("", typed)).strip()


def several_lines(typed: str) -> str:
    """Typed text, its lines kept, each as `one_line` has it; no empty line before or after."""
    return "\n".join(one_line(line) for line in typed.splitlines()).strip("\n")


def words(text: str) -> list[str]:
    """What names and searches are compared by: words in lower case, without accents. « D’Aubigné » -> d, aubigne."""
    decomposed = unicodedata.normalize("NFKD", text.casefold()).casefold().translate(_PLAIN)
    return re.findall(r"[^\W_]+", "".join(c for c in decomposed if not unicodedata.combining(c)))


def name_key(family_name: str, given_name: str) -> str:
    """Sorts people by Nom then Prénom, and is the same however a name is accented or capitalised."""
    return "\t".join((" ".join(words(family_name)), " ".join(words(given_name))))[:NAME_KEY]  # a tab is before a space


NAME_KEY = 260

# --- e-mail

# Where French clients have their mailbox. Nothing shorter than four letters: every such name is a real domain.
MAILBOXES = (
    *("gmail.com", "icloud.com", "laposte.net", "orange.fr", "wanadoo.fr", "free.fr", "bbox.fr", "neuf.fr"),
    *("hotmail.com", "hotmail.fr", "outlook.com", "outlook.fr", "live.fr", "live.com", "yahoo.fr", "yahoo.com"),
    *("numericable.fr", "aliceadsl.fr", "club-internet.fr", "protonmail.com"),
)
ONE_ENDING = {"gmail": "gmail.com", "icloud": "icloud.com", "laposte": "laposte.net"}  # gmail.fr has no mailbox
REAL = frozenset({"oranges.fr", "oranger.fr"})  # one letter from a mailbox's name, and somebody's own
SHORT = 5
ACCENTS = frozenset("ßàáâãäåæçèéêëìíîïñòóôõöùúûüýÿœ")  # what AFNIC registers
_ASCII = frozenset(map(chr, range(128)))
SHARED = frozenset(
    words(
        "accueil achats admin administratif administration agence atelier bonjour boutique bureau cabinet commande commandes "
        "commercial compta comptabilite contact contacts courrier devis direction factures facturation gerance hello info "
        "information informations infos magasin mail mairie noreply office rdv recrutement reservation reservations rh sav "
        "secretariat service services standard support vente ventes webmaster"
    )
)


def email_address(typed: str) -> str:
    """The address to keep. Refused: `email_invalid`, `email_plus`, `email_scripts`.

    NFKC first, so that full-width letters become plain ones. Before the @, ASCII only. After it, the accents a .fr domain
    may have are fine (paul@épicerie.fr), other letters are not: a Cyrillic « а » looks like a Latin one. Such a domain is
    kept, compared and shown in its ASCII form (xn--…), the one form every directory and mail server takes.
    """
    from email_validator import EmailNotValidError, validate_email

    plain = unicodedata.normalize("NFKC", one_line(typed))
    try:
        address = validate_email(plain, check_deliverability=False, strict=True)  # no name longer than mail allows
    except EmailNotValidError:
        raise Refused("email_invalid", "email") from None
    if "+" in address.local_part:
        raise Refused("email_plus", "email")  # Graph refuses it in an invitation
    if not address.local_part.isascii() or not set(address.domain) - ACCENTS <= _ASCII:
        raise Refused("email_scripts", "email")
    return f"{address.local_part}@{address.ascii_domain.lower()}"


def email_key(address: str) -> str:
    """What makes two addresses the same person's (R12): case and surrounding space ignored."""
    return unicodedata.normalize("NFKC", address).strip().casefold()


def likely_meant(address: str) -> str | None:
    """The address at a well-known mailbox, where one slip in its domain was probably typed (gmial.com); else None.

    A domain that may well be somebody's own (mail.com, grange.fr, live.fi) is left alone.
    """
    local, _, domain = address.rpartition("@")
    domain = domain.casefold()
    if domain in MAILBOXES or domain in REAL:
        return None
    name, _, ending = domain.partition(".")
    only = None if "." in ending else ONE_ENDING.get(name)
    meant = only or next((one for one in MAILBOXES if _slip(domain, one)), None)
    return f"{local}@{meant}" if meant else None


def _slip(typed: str, meant: str) -> bool:
    """One letter added, left out or changed, or two neighbours swapped; where that is nobody else's domain."""
    if abs(len(typed) - len(meant)) > 1:
        return False
    start = next(
        (at for at, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), min(len(typed), len(meant))
    )
    rest, right = typed[start:], meant[start:]
    if rest[1:2] + rest[:1] == right[:2] and rest[2:] == right[2:]:
        return len(rest) > 1
    name, _, ending = meant.partition(".")
    # Nobody misses the first letter (grange.fr), and with few letters every other one is somebody's name (love.fr).
    if start == 0 or len(name) < SHORT:
        return False
    if start > len(name) and ending == "fr" and len(rest) <= len(right):
        return False  # another country's: yahoo.gr
    return rest[1:] == right[1:] or rest[1:] == right or rest == right[1:]


def is_shared(address: str) -> bool:
    """Whether the address looks like a shared mailbox (contact@, info-paris@): not one person's identifier."""
    return any(word in SHARED for word in words(address.partition("@")[0])[:1])


# --- phone

COUNTRY = "FR"
# Numbers of the French plan that belong overseas: dialled like any other from France, with a country code of their own.
OVERSEAS = {
    **dict.fromkeys(("0590", "0690", "0691"), "GP"),
    **dict.fromkeys(("0594", "0694"), "GF"),
    **dict.fromkeys(("0596", "0696", "0697"), "MQ"),
    **dict.fromkeys(("0262", "0263", "0692", "0693"), "RE"),
    **dict.fromkeys(("0269", "0639"), "YT"),
}


def phone_number(typed: str, field: str, *, mobile: bool) -> str:
    """E.164 of a number typed as people do in France, mainland or overseas, or with its country code.

    Refused: `phone_letters`, `phone_invalid`, `phone_not_mobile`.
    """
    import phonenumbers
    from phonenumbers import PhoneNumberType

    if re.search(r"[^\W\d_]|#", typed):
        raise Refused("phone_letters", field)  # an extension would be lost without a word
    digits = re.sub(r"[^0-9+]", "", unicodedata.normalize("NFKC", typed))
    try:
        number = phonenumbers.parse(typed, OVERSEAS.get(digits[:4], COUNTRY))
    except phonenumbers.NumberParseException:
        raise Refused("phone_invalid", field) from None
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:  # what is_valid_number looks at
        raise Refused("phone_invalid", field)
    if mobile and kind not in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE):
        raise Refused("phone_not_mobile", field)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def shown_phone(e164: str) -> str:
    """As it is written in France (06 12 34 56 78, 0692 12 34 56), or internationally; nothing for no number."""
    import phonenumbers

    if not e164:
        return ""
    number = phonenumbers.parse(e164)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    try:
        if phone_number(national, "", mobile=False) == e164:  # typed again, it is the same number
            return national
    except Refused:
        pass
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


# --- place

FRANCE = frozenset({"", "france", "fr", "fra", "republique francaise", "france metropolitaine"})
# The department, from a postcode's first digits: Corsica is 20, overseas three digits. 96 and 99 do not exist.
_DEPARTMENT = re.compile(r"(0[1-9]|[1-8]\d|9[0-5]|97[1-8]|98[04678])\d+")


def postcode(typed: str, country: str) -> str:
    """The postcode; in France five digits of a known department: Refused("postcode_invalid"). Elsewhere, as typed."""
    if not typed or " ".join(words(country)) not in FRANCE:
        return typed
    digits = re.sub(r"[\s.]", "", unicodedata.normalize("NFKC", typed))
    if not re.fullmatch(r"[0-9]{5}", digits) or not _DEPARTMENT.fullmatch(digits):
        raise Refused("postcode_invalid", "postcode")
    return digits


def commune(typed: str, country: str) -> str:
    """The commune; in France a name, not a number: Refused("commune_invalid")."""
    if typed and " ".join(words(country)) in FRANCE and not any(c.isalpha() for c in typed):
        raise Refused("commune_invalid", "commune")
    return typed
