"""What is typed about a person -> what is stored: e-mail addresses, phone numbers, names. Pure functions."""

import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from services.errors import Refused

COMMON_TYPOS = {
    "gmial.com": "gmail.com",
    "gmai.com": "gmail.com",
    "gmail.fr": "gmail.com",
    "gmal.com": "gmail.com",
    "gnail.com": "gmail.com",
    "hotmial.com": "hotmail.com",
    "hotmai.com": "hotmail.com",
    "hotmial.fr": "hotmail.fr",
    "outlok.com": "outlook.com",
    "outloo.com": "outlook.com",
    "outlok.fr": "outlook.fr",
    "yaho.fr": "yahoo.fr",
    "yahooo.fr": "yahoo.fr",
    "orage.fr": "orange.fr",
    "ornage.fr": "orange.fr",
    "wanado.fr": "wanadoo.fr",
    "wanadou.fr": "wanadoo.fr",
    "laposte.fr": "laposte.net",
    "icoud.com": "icloud.com",
}
SHARED_MAILBOXES = frozenset(
    {
        "accueil",
        "admin",
        "administratif",
        "bonjour",
        "commercial",
        "compta",
        "comptabilite",
        "contact",
        "direction",
        "hello",
    }
    | {"info", "infos", "mail", "secretariat", "support"}
)


COUNTRY = "FR"


def email_address(typed: str) -> str:
    """The address in its normal form (NFKC, domain lower case). Refused: `email_invalid`, `email_plus`, `email_scripts`."""
    try:
        address = validate_email(typed.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise Refused("email_invalid", "email") from None
    if "+" in address.local_part:
        raise Refused("email_plus", "email")  # Graph refuses it in an invitation
    if not (address.local_part + address.domain).isascii():
        raise Refused("email_scripts", "email")  # a Cyrillic « а » looks like a Latin one
    return address.normalized


def email_key(address: str) -> str:
    """What makes two addresses the same person's (R12): case and surrounding space ignored."""
    return unicodedata.normalize("NFKC", address).strip().casefold()


def likely_meant(address: str) -> str | None:
    """The address with a well-known domain where a common slip was typed (gmial.com), else None."""
    local, _, domain = address.rpartition("@")
    meant = COMMON_TYPOS.get(domain.casefold())
    return f"{local}@{meant}" if meant else None


def is_shared(address: str) -> bool:
    """Whether the address looks like a shared mailbox (contact@, info@): not one person's identifier."""
    return address.partition("@")[0].casefold() in SHARED_MAILBOXES


def phone_number(typed: str, field: str, *, mobile: bool) -> str:
    """E.164 of a number typed as people do in France. Refused: `phone_invalid`, `phone_not_mobile`."""
    try:
        number = phonenumbers.parse(typed, COUNTRY)
    except phonenumbers.NumberParseException:
        raise Refused("phone_invalid", field) from None
    if not phonenumbers.is_valid_number(number):
        raise Refused("phone_invalid", field)
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    if mobile and phonenumbers.number_type(number) not in kinds:
        raise Refused("phone_not_mobile", field)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def shown_phone(e164: str) -> str:
    """As it is written in France (06 12 34 56 78), or internationally for a foreign number."""
    number = phonenumbers.parse(e164)
    french = number.country_code == phonenumbers.country_code_for_region(COUNTRY)
    form = phonenumbers.PhoneNumberFormat.NATIONAL if french else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, form)


def one_line(typed: str) -> str:
    """Typed text on one line: no control characters, no doubled or surrounding spaces."""
    kept = "".join(c if c.isprintable() else " " for c in typed)
    return " ".join(kept.split())
