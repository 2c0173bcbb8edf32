"""What is typed about a person -> what is kept: refused with the reason, or kept whole; never a crash."""

import re
import unicodedata
from collections.abc import Callable

import phonenumbers
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dialogs import fields
from services import people
from services.errors import Refused

anything = st.text(st.characters(exclude_categories=()))  # lone surrogates too: JSON carries them


def attempt(call: Callable[[], str]) -> str | Refused:
    try:
        return call()
    except Refused as refusal:
        return refusal


def refused(call: Callable[[], str]) -> str:
    said = attempt(call)
    assert isinstance(said, Refused), said
    return said.key


def letters(text: str) -> str:
    """All that can be seen of a text."""
    return "".join(c for c in text if unicodedata.category(c)[0] in "LNPS" or c in "\u200c\u200d")


class TestNames:
    @pytest.mark.parametrize(
        "name", ["O’Brien", "d’Aubigné", "Jean-Luc", "Nguyễn", "Łukasz", "D'Artagnan (fils)", "X Æ A-12"]
    )
    def test_a_name_is_kept_as_typed(self, name: str) -> None:
        assert people.one_line(name) == name

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("  Le\u00a0Goff  ", "Le Goff"),
            ("Martin\r\nPaul", "Martin Paul"),
            ("Mar\u200btin\ufeff", "Martin"),
            ("Martin\x00\x1b", "Martin"),
            ("\u202eMartin", "Martin"),
            ("می\u200cخواهم", "می\u200cخواهم"),
        ],
    )
    def test_spaces_and_what_cannot_be_seen_go(self, typed: str, kept: str) -> None:
        assert people.one_line(typed) == kept

    @given(anything)
    @example("\ud800")
    def test_nothing_that_can_be_seen_is_lost(self, typed: str) -> None:
        kept = people.one_line(typed)
        assert letters(kept) == letters(typed)
        assert len(kept) <= len(typed)
        assert people.one_line(kept) == kept
        kept.encode()  # a database takes it

    @given(anything)
    def test_lines_stay_lines(self, typed: str) -> None:
        kept = people.several_lines(typed)
        assert letters(kept) == letters(typed)
        assert people.several_lines(kept) == kept
        kept.encode()

    def test_a_required_name_one_cannot_see_is_missing(self) -> None:
        assert refused(lambda: fields.text("family_name", required=True).answer("\u200b")) == "required"

    @pytest.mark.parametrize(
        ("one", "other"),
        [("Élodie", "ELODIE"), ("Nguyễn", "nguyen"), ("Đỗ", "do"), ("Œuvrard", "oeuvrard"), ("D’Aubigné", "d'aubigne")],
    )
    def test_accents_and_capitals_do_not_tell_people_apart(self, one: str, other: str) -> None:
        assert people.words(one) == people.words(other)
        assert people.name_key(one, "") == people.name_key(other, "")

    def test_other_alphabets_are_told_apart(self) -> None:
        assert people.name_key("Иванов", "") != people.name_key("Петров", "")

    def test_people_are_sorted_by_nom_then_prenom(self) -> None:
        ordered = [("Émile", ""), ("Martin", "Zoé"), ("martin", "Zoë B"), ("Martin Dupont", "Anne"), ("Zola", "A")]
        assert sorted(ordered, key=lambda one: people.name_key(*one)) == ordered

    @given(anything, anything)
    def test_any_name_has_a_key(self, family_name: str, given_name: str) -> None:
        key = people.name_key(people.one_line(family_name), people.one_line(given_name))
        assert len(key) <= people.NAME_KEY
        key.encode()


class TestEmails:
    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            (" Paul.Martin@Boulangerie.FR ", "Paul.Martin@boulangerie.fr"),
            ("paul\uff20ｇｍａｉｌ.com", "paul@gmail.com"),
            ("o'brien@martin.fr\u200b", "o'brien@martin.fr"),
            ("paul@épicerie.fr", "paul@xn--picerie-9xa.fr"),
            ("paul@xn--picerie-9xa.fr", "paul@xn--picerie-9xa.fr"),
        ],
    )
    def test_an_address_is_kept_in_its_normal_form(self, typed: str, kept: str) -> None:
        assert people.email_address(typed) == kept

    @pytest.mark.parametrize(
        ("typed", "key"),
        [
            ("paul", "email_invalid"),
            ("paul@martin", "email_invalid"),
            ("Paul <paul@martin.fr>", "email_invalid"),
            ("paul@[127.0.0.1]", "email_invalid"),
            ("paul+cabinet@martin.fr", "email_plus"),
            ("paul\uff0bcabinet@martin.fr", "email_plus"),
            ("p\u0430ul@martin.fr", "email_scripts"),  # a Cyrillic « а »
            ("paul@m\u0430rtin.fr", "email_scripts"),
            ("paul@gma\u0131l.com", "email_scripts"),  # a Turkish « ı »
            ("hervé@martin.fr", "email_scripts"),
            ("o’brien@martin.fr", "email_scripts"),
        ],
    )
    def test_a_wrong_address_is_refused_with_its_reason(self, typed: str, key: str) -> None:
        assert refused(lambda: people.email_address(typed)) == key

    @given(st.one_of(anything, st.builds("{}@{}.fr".format, anything, anything), st.emails()))
    def test_an_address_is_kept_whole_or_refused(self, typed: str) -> None:
        kept = attempt(lambda: people.email_address(typed))
        if isinstance(kept, Refused):
            assert kept.key in ("email_invalid", "email_plus", "email_scripts")
            return
        plain = unicodedata.normalize("NFKC", people.one_line(typed))
        assert kept.isascii()
        assert "+" not in kept
        assert kept.rpartition("@")[0] == plain.rpartition("@")[0]
        if plain.isascii():
            assert kept.casefold() == plain.casefold()
        assert people.email_address(kept) == kept

    def test_case_and_space_do_not_make_another_person(self) -> None:
        assert people.email_key(" Paul@Martin.FR ") == people.email_key("paul@martin.fr")
        assert people.email_key("paul@martin.fr") != people.email_key("pauL.@martin.fr")

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("gmial.com", "gmail.com"),
            ("gmai.com", "gmail.com"),
            ("gmail.fr", "gmail.com"),
            ("gmail.con", "gmail.com"),
            ("gnail.com", "gmail.com"),
            ("ggmail.com", "gmail.com"),
            ("hotmial.fr", "hotmail.fr"),
            ("hotmail.co", "hotmail.com"),
            ("outlok.fr", "outlook.fr"),
            ("yaho.fr", "yahoo.fr"),
            ("ornage.fr", "orange.fr"),
            ("orange.rf", "orange.fr"),
            ("wanadou.fr", "wanadoo.fr"),
            ("laposte.fr", "laposte.net"),
            ("icoud.com", "icloud.com"),
            ("rfee.fr", "free.fr"),
        ],
    )
    def test_a_slip_in_a_well_known_domain_is_proposed(self, typed: str, meant: str) -> None:
        assert people.likely_meant(f"paul@{typed}") == f"paul@{meant}"

    @pytest.mark.parametrize(
        "domain",
        [
            *people.MAILBOXES,
            *(
                "mail.com",
                "email.com",
                "ymail.com",
                "cloud.com",
                "grange.fr",
                "oranges.fr",
                "love.fr",
                "lime.fr",
                "tree.fr",
            ),
            *("live.be", "live.fi", "yahoo.gr", "yahoo.de", "yahoo.co.uk", "hotmail.it", "outlook.kr", "orange.com"),
            *("icloud.com.cn", "gmail.martin.fr", "sfr.fr", "gmx.fr", "msn.com", "mns.com", "aol.com", "proton.me"),
            *("googlemail.com", "boulangerie-martin.example", "free.org", "orange.be"),
        ],
    )
    def test_a_real_domain_is_left_alone(self, domain: str) -> None:
        assert people.likely_meant(f"paul@{domain}") is None

    @given(st.sampled_from(people.MAILBOXES), st.data())
    def test_two_neighbours_swapped_are_always_found(self, domain: str, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(domain) - 2))
        swapped = domain[:at] + domain[at + 1] + domain[at] + domain[at + 2 :]
        assume(swapped not in people.MAILBOXES and "." not in (domain[at], domain[at + 1]))
        assert people.likely_meant(f"paul@{swapped}") == f"paul@{domain}"

    @pytest.mark.parametrize(
        "local", ["contact", "Info", "info-paris", "secretariat.general", "compta_1", "Comptabilité"]
    )
    def test_a_shared_mailbox_is_noticed(self, local: str) -> None:
        assert people.is_shared(f"{local}@martin.fr")

    @pytest.mark.parametrize("local", ["paul", "paul.contact", "contactin", "marie.service"])
    def test_a_persons_mailbox_is_not(self, local: str) -> None:
        assert not people.is_shared(f"{local}@martin.fr")


class TestPhones:
    @pytest.mark.parametrize(
        ("typed", "kept", "shown"),
        [
            ("06 12 34 56 78", "+33612345678", "06 12 34 56 78"),
            ("06.12.34.56.78", "+33612345678", "06 12 34 56 78"),
            ("+33 (0)6 12 34 56 78", "+33612345678", "06 12 34 56 78"),
            ("0033612345678", "+33612345678", "06 12 34 56 78"),
            ("0690 12 34 56", "+590690123456", "0690 12 34 56"),  # Guadeloupe
            ("0694 20 12 34", "+594694201234", "0694 20 12 34"),  # Guyane
            ("0696 20 12 34", "+596696201234", "0696 20 12 34"),  # Martinique
            ("06 92 12 34 56", "+262692123456", "0692 12 34 56"),  # La Réunion
            ("0639 01 23 45", "+262639012345", "0639 01 23 45"),  # Mayotte
            ("+687 75 12 34", "+687751234", "+687 75.12.34"),  # Nouvelle-Calédonie
            ("+689 87 12 34 56", "+68987123456", "+689 87 12 34 56"),  # Polynésie
            ("+32 470 12 34 56", "+32470123456", "+32 470 12 34 56"),
        ],
    )
    def test_a_mobile_is_kept_in_e164_and_shown_as_people_write_it(self, typed: str, kept: str, shown: str) -> None:
        assert people.phone_number(typed, "mobile", mobile=True) == kept
        assert people.shown_phone(kept) == shown

    @pytest.mark.parametrize("typed", ["02 99 12 34 56", "0590 20 12 34", "0262 16 12 34", "09 72 12 34 56"])
    def test_a_landline_is_no_mobile(self, typed: str) -> None:
        assert people.phone_number(typed, "landline", mobile=False)
        assert refused(lambda: people.phone_number(typed, "mobile", mobile=True)) == "phone_not_mobile"

    @pytest.mark.parametrize(
        ("typed", "key"),
        [
            ("06 12 34", "phone_invalid"),
            ("0612345678901", "phone_invalid"),
            ("+33 690 12 34 56", "phone_invalid"),  # Guadeloupe has its own code
            ("-", "phone_invalid"),
            ("02 99 12 34 56 poste 12", "phone_letters"),
            ("02 99 12 34 56 #12", "phone_letters"),
        ],
    )
    def test_a_wrong_number_is_refused_with_its_reason(self, typed: str, key: str) -> None:
        assert refused(lambda: people.phone_number(typed, "landline", mobile=False)) == key

    @pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
    @pytest.mark.parametrize("kind", [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
    def test_a_number_shown_and_typed_again_is_the_same(self, region: str, kind: int) -> None:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            pytest.skip("no such numbers there")
        kept = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert people.phone_number(people.shown_phone(kept), "landline", mobile=False) == kept

    @given(st.one_of(anything, st.from_regex(r"[0+(][0-9 .()-]{1,18}", fullmatch=True)))
    @example("0263 12 34 56")
    @example("+33 2 63 12 34 56")
    def test_a_number_is_kept_whole_or_refused(self, typed: str) -> None:
        kept = attempt(lambda: people.phone_number(typed, "landline", mobile=False))
        if isinstance(kept, Refused):
            assert kept.key in ("phone_invalid", "phone_letters")
            return
        assert re.fullmatch(r"\+[1-9]\d{4,15}", kept)
        assert people.phone_number(people.shown_phone(kept), "landline", mobile=False) == kept

    def test_no_number_shows_nothing(self) -> None:
        assert people.shown_phone("") == ""


class TestPlaces:
    @pytest.mark.parametrize(
        ("typed", "country", "kept"),
        [
            ("35000", "", "35000"),
            ("35 000", "France", "35000"),
            ("20090", "FRANCE", "20090"),  # Ajaccio
            ("97400", "République française", "97400"),
            ("98000", "", "98000"),
            ("01000", "fr", "01000"),
            ("", "", ""),
            ("1000", "Belgique", "1000"),
            ("SW1A 1AA", "Royaume-Uni", "SW1A 1AA"),
        ],
    )
    def test_a_postcode_is_kept(self, typed: str, country: str, kept: str) -> None:
        assert people.postcode(typed, country) == kept

    @pytest.mark.parametrize(
        "typed", ["3500", "350000", "00100", "96000", "99000", "97900", "98100", "2A000", "rennes"]
    )
    def test_a_postcode_france_does_not_have_is_refused(self, typed: str) -> None:
        assert refused(lambda: people.postcode(typed, "")) == "postcode_invalid"

    def test_a_commune_is_a_name_in_france(self) -> None:
        assert people.commune("Y", "") == "Y"
        assert people.commune("35000", "Belgique") == "35000"
        assert refused(lambda: people.commune("35000", "")) == "commune_invalid"

    @given(anything, anything)
    def test_any_place_is_kept_or_refused(self, typed: str, country: str) -> None:
        postcode = attempt(lambda: people.postcode(typed, country))
        if isinstance(postcode, Refused):
            assert postcode.key == "postcode_invalid"
        else:
            assert postcode in (typed, re.sub(r"[\s.]", "", unicodedata.normalize("NFKC", typed)))
        commune = attempt(lambda: people.commune(typed, country))
        assert commune == typed or (isinstance(commune, Refused) and commune.key == "commune_invalid")
