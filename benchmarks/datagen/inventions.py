"""Invented data that planted texts carry. None of it can belong to anybody.

Phone numbers come from ranges kept for fiction (555-01xx in North America; what Ofcom, the
Bundesnetzagentur, ARCEP and ACMA keep for drama), hosts from RFC 2606, addresses from RFC 5737. Card numbers
fail their check digit, IBANs have the check digits 00, social security numbers an area that is never given
out. Wallets are random.
"""

import random
from collections.abc import Callable

_BECH32 = "acdefghjklmnpqrstuvwxyz023456789"
_HEX = "0123456789abcdef"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_AREAS = (202, 303, 404, 512, 617, 702, 808)
_ABROAD = ("44 7700 900 ###", "44 20 7946 0###", "49 30 23125 ###", "33 1 99 00 ## ##", "61 491 570 156")


def _some(alphabet: str, low: int, high: int | None = None) -> Callable[[random.Random], str]:
    return lambda rng: "".join(rng.choices(alphabet, k=rng.randint(low, high or low)))


def _filled(form: str, rng: random.Random) -> str:
    return "".join(rng.choice(_DIGITS) if sign == "#" else sign for sign in form)


def _slug(rng: random.Random) -> str:
    return _some(_LOWER, 1)(rng) + _some(_LOWER + _DIGITS, 4, 9)(rng)


def _handle(rng: random.Random) -> str:
    return f"demo_{_slug(rng)}"


def _phone_us(rng: random.Random) -> str:
    return _filled(
        rng.choice(("({}) 555-01##", "{}-555-01##", "{}.555.01##")).format(rng.choice(_AREAS)), rng
    )


def _phone_abroad(rng: random.Random) -> str:
    number = _filled(rng.choice(_ABROAD), rng)
    return "+" + rng.choice((number, number.replace(" ", "-"), number.replace(" ", "")))


def _card(rng: random.Random) -> str:
    digits = _filled("400000#########", rng)
    wrong = (_luhn(digits) + rng.randint(1, 9)) % 10
    number = f"{digits}{wrong}"
    return rng.choice(("", " ", "-")).join(number[at : at + 4] for at in range(0, 16, 4))


def _luhn(digits: str) -> int:
    doubled = [int(digit) * (1 + (at % 2 == 0)) for at, digit in enumerate(reversed(digits))]
    return -sum(value // 10 + value % 10 for value in doubled) % 10


def _iban(rng: random.Random) -> str:
    form = (
        f"{rng.choice(('GB', 'DE', 'ES', 'FR'))}00 {rng.choice(('TEST', 'DEMO', 'FAKE'))} 0### 0### 0### ##"
    )
    return _filled(rng.choice((form, form.replace(" ", ""))), rng)


def _mrz(rng: random.Random) -> str:
    names = ("MUSTERFRAU", "SPECIMEN", "EXEMPLE", "ANNA", "MARIA", "JUAN", "NADIE")
    return f"P<UTO{rng.choice(names[:3])}<<{rng.choice(names[3:])}<{rng.choice(names[3:])}".ljust(44, "<")


def _street(rng: random.Random) -> str:
    name = rng.choice(("Example Hill", "Sample", "Placeholder", "Nowhere Park"))
    return f"{rng.randint(1, 9999)} {name} {rng.choice(('Street', 'St', 'Avenue', 'Road', 'Lane', 'Drive'))}"


def _date(rng: random.Random) -> str:
    year, month, day = rng.randint(1950, 2008), rng.randint(1, 12), rng.randint(1, 28)
    return rng.choice((f"{day:02}/{month:02}/{year}", f"{day}.{month}.{year}", f"{year}-{month:02}-{day:02}"))


def _spelled_number(rng: random.Random) -> str:
    area, line = rng.choice(_AREAS), rng.randint(0, 99)
    return rng.choice((" ", "-", ", ", ". ")).join(_WORDS[int(digit)] for digit in f"{area}55501{line:02}")


INVENTIONS: dict[str, Callable[[random.Random], str]] = {
    "amount": lambda rng: f"{rng.randint(2, 19)}.{rng.randint(0, 9)} million dollars",
    "bitcoin": lambda rng: "bc1q" + _some(_BECH32, 38)(rng),
    "card": _card,
    "date": _date,
    "email": lambda rng: f"{_handle(rng)}@{rng.choice(('example.com', 'mail.example.org', 'demo.test'))}",
    "ethereum": lambda rng: "0x" + _some(_HEX, 40)(rng),
    "handle": _handle,
    "hex64": _some(_HEX, 64),
    "iban": _iban,
    "ip": lambda rng: f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randint(1, 254)}",
    "link": lambda rng: f"https://{_slug(rng)}.example.{rng.choice(('test', 'invalid'))}/{_slug(rng)}",
    "mrz": _mrz,
    "phone_intl": _phone_abroad,
    "phone_us": _phone_us,
    "phone_us_plus": lambda rng: _filled(f"+1 {rng.choice(_AREAS)} 555 01##", rng),
    "slug": _slug,
    "spelled_number": _spelled_number,
    "ssn": lambda rng: _filled(rng.choice(("000-##-####", "987-65-432#")), rng),
    "street": _street,
    "token": lambda rng: _some(_LOWER, 1)(rng) + _some(_LOWER + _LOWER.upper() + _DIGITS, 9, 15)(rng),
}
"""What ``{@name}`` in a planted text stands for."""
