"""Generated users for trying the service out and for benchmarks: many languages, the same ones for a seed."""

import random
import re
from collections.abc import Iterator
from typing import Any

from faker import Faker

LOCALES: dict[str, str] = {
    "en_US": "America/New_York",
    "en_GB": "Europe/London",
    "de_DE": "Europe/Berlin",
    "fr_FR": "Europe/Paris",
    "es_ES": "Europe/Madrid",
    "pt_BR": "America/Sao_Paulo",
    "pl_PL": "Europe/Warsaw",
    "da_DK": "Europe/Copenhagen",
    "tr_TR": "Europe/Istanbul",
    "vi_VN": "Asia/Ho_Chi_Minh",
    "el_GR": "Europe/Athens",
    "ru_RU": "Europe/Moscow",
    "ar_AA": "Asia/Riyadh",
    "he_IL": "Asia/Jerusalem",
    "hi_IN": "Asia/Kolkata",
    "th_TH": "Asia/Bangkok",
    "zh_CN": "Asia/Shanghai",
    "ja_JP": "Asia/Tokyo",
    "ko_KR": "Asia/Seoul",
}
"""Faker's locales, each with a time zone of that place."""

_LANGUAGES = {"ar_AA": "ar"}
_FAMILY_FIRST = frozenset({"zh_CN", "ja_JP", "ko_KR"})
_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "firma.example.de")
_ROLES = ("admin", "editor", "viewer", "billing", "support")
_DEPARTMENTS = ("Sales", "Engineering", "Support", "Finance", "Legal", "Research")


def sample_users(count: int, *, seed: int = 1) -> Iterator[dict[str, Any]]:
    """`count` rows as an import takes them, with unique externalId, username and email."""
    choose = random.Random(seed)  # noqa: S311 (sample data, not secrets)
    fakers: dict[str, Faker] = {}
    for number in range(1, count + 1):
        place = choose.choice(list(LOCALES))
        if place not in fakers:
            fakers[place] = Faker(place)
            fakers[place].seed_instance(seed)
        yield _row(number, place, fakers[place], choose)


def _row(number: int, place: str, faker: Faker, choose: random.Random) -> dict[str, Any]:
    given, family = _visible(faker.first_name()), _visible(faker.last_name())
    latin = f"{given}.{family}" if (given + family).isascii() else faker.user_name()
    handle = re.sub(r"[^a-z0-9]+", ".", latin.lower()).strip(".") or "user"
    row: dict[str, Any] = {
        "externalId": f"sample-{number}",
        "username": f"{handle[:50]}{number}",
        "givenName": given,
        "familyName": family,
        "displayName": f"{family}{given}" if place in _FAMILY_FIRST else f"{given} {family}",
        "email": f"{handle[:40]}{number}@{choose.choice(_DOMAINS)}",
        "emailVerified": choose.random() < 0.8,
        "locale": _LANGUAGES.get(place, place.replace("_", "-")),
        "timezone": LOCALES[place],
        "roles": sorted(set(choose.choices(_ROLES, k=choose.randint(0, 2)))),
        "attributes": {"department": choose.choice(_DEPARTMENTS), "level": choose.randint(1, 9)},
    }
    if choose.random() < 0.3:
        row["phone"] = f"+1202555{choose.randint(0, 9999):04d}"
    return row


def _visible(name: str) -> str:
    """Some generated names hold joiners, which a user's name may not (see validation.py)."""
    return name.replace("\u200c", "").replace("\u200d", "").strip()
