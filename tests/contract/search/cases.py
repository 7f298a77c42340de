"""Users and queries for the search contract: by hand with what must be found, and many by seeded chance."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from ulid import ULID

from domain.search.analysis import fold
from domain.users.fields import BY_NAME, WRITABLE
from domain.users.model import Status, User
from domain.users.sample import sample_users
from tests.contract.users.users import T0, a_user

PEOPLE: dict[str, dict[str, Any]] = {
    "jurgen": {"given_name": "Jürgen", "family_name": "Straße-Müller"},
    "istanbul": {"display_name": "İpek Işık"},
    "odegard": {"display_name": "Ødegård Łukasz"},
    "greek": {"display_name": "Γιώργος Παπαδόπουλος"},
    "cyrillic": {"display_name": "Пётр Чайковский"},
    "arabic": {"display_name": "مُحَمَّد أحمد"},
    "hebrew": {"display_name": "יִצְחָק כהן"},
    "hangul": {"family_name": "김", "given_name": "민준"},
    "chinese": {"family_name": "王", "given_name": "小明"},
    "japanese": {"display_name": "ジョン・スミス"},
    "hindi": {"display_name": "राम कुमार"},
    "oneill": {"display_name": "Shaun O'Neill"},
    "oconnor": {"display_name": "Sinéad O’Connor"},
    "jeanluc": {"display_name": "Jean-Luc Picard"},
    "mail": {"email": "grace.hopper+navy@Mail.Example.COM"},
    "nick": {"username": "the_real_linus"},
}
"""Users by what this file calls them."""

FOUND: Sequence[tuple[str, list[str]]] = (
    ("jurgen", ["jurgen"]),
    ("JÜRGEN", ["jurgen"]),
    ("strasse", ["jurgen"]),
    ("straße müller", ["jurgen"]),
    ("mueller", ["jurgen"]),
    ("strassemuller", ["jurgen"]),
    ("ipek isik", ["istanbul"]),
    ("IŞIK", ["istanbul"]),
    ("odegard lukasz", ["odegard"]),
    ("ΠΑΠΑΔΟΠΟΥΛΟΣ", ["greek"]),
    ("γιωργος", ["greek"]),
    ("петр чайков", ["cyrillic"]),
    ("محمد احمد", ["arabic"]),
    ("יצחק", ["hebrew"]),
    ("김민", ["hangul"]),
    ("민준", ["hangul"]),
    ("준", ["hangul"]),
    ("王小明", ["chinese"]),
    ("小", ["chinese"]),
    ("明小", []),
    ("スミス", ["japanese"]),
    ("スミ ジョン", ["japanese"]),
    ("ｽﾐｽ", ["japanese"]),
    ("राम", ["hindi"]),
    ("o'neill", ["oneill"]),
    ("O’NEILL", ["oneill"]),
    ("oneill", ["oneill"]),
    ("o neill", ["oneill"]),
    ("neill shaun", ["oneill"]),
    ("oconnor sinead", ["oconnor"]),
    ("jean luc", ["jeanluc"]),
    ("jean-luc pic", ["jeanluc"]),
    ("jeanluc", ["jeanluc"]),
    ("picard jean", ["jeanluc"]),
    ("jean picardo ", ["jeanluc"]),
    ("grace.hopper", ["mail"]),
    ("hopper navy", ["mail"]),
    ("grace.hopper+navy@mail.example.com", ["mail"]),
    ("example", ["mail"]),
    ("exampel", []),
    ("linus real", ["nick"]),
    ("the_real_lin", ["nick"]),
    ("pica", ["jeanluc"]),
    ("pica ", []),
    ("luk", ["odegard"]),
    ("luc", ["jeanluc"]),
    ("lucc", ["jeanluc"]),
    ("picrad", ["jeanluc"]),
    ("picrda", []),
    ("papadopuolos", []),
    ("παπαδοπολος", ["greek"]),
    ("παπαδπολος", ["greek"]),
    ("παππολος", []),
    ("nobody at all", []),
    ("", []),
    (" -.'’ ", []),
)
"""Queries and whom they find, in order."""

RANKED: Sequence[tuple[str, list[dict[str, Any]], list[int]]] = (
    (
        "martin",
        [
            {"username": "martin"},
            {"given_name": "Martin"},
            {"username": "martin.b"},
            {"email": "martin@example.org"},
            {"email": "x@martin.example"},
            {"given_name": "Martina"},
            {"username": "martinez"},
            {"email": "martinez@example.org"},
            {"email": "y@martinez.example"},
            {"given_name": "Martyn"},
            {"username": "marten"},
            {"email": "mratin@example.org"},
        ],
        [200, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14],
    ),
    (
        "martinez ",
        [{"given_name": "Martinez"}, {"given_name": "Martines"}, {"given_name": "Marines"}, {"username": "marines"}],
        [24, 16, 12, 11],
    ),
    (
        "ann lee",
        [
            {"given_name": "Ann", "family_name": "Lee"},
            {"given_name": "Lee", "username": "ann"},
            {"given_name": "Ann", "family_name": "Leeds"},
            {"email": "ann.leeds@example.org"},
        ],
        [48, 47, 44, 40],
    ),
    (
        "John.Smith@ACME.com ",
        [
            {"email": "john.smith@acme.com"},
            {"display_name": "John Smith", "email": "j.smith2@acme.com"},
            {"email": "john.smith@mail.acme.com"},
        ],
        [200, 48 + 21 * 2, 22 * 2 + 21 * 2],
    ),
    (
        "j.r.Tolkien",
        [{"username": "J.R.Tolkien"}, {"given_name": "J. R.", "family_name": "Tolkien"}, {"username": "j-r-tolkiens"}],
        [200, 24 * 3, 23 * 2 + 19],
    ),
    ("ann lee", [{"username": "Ann Lee"}, {"given_name": "Ann", "family_name": "Lee"}], [200, 48]),
    ("ada@x.example", [{"username": "ada@x.example"}, {"email": "ada@x.example"}], [200, 200]),
    ("___", [{"username": "___"}], [200]),
    ("１２ａ", [{"username": "12A"}], [200]),
    ("ann \ud800", [{"given_name": "Ann"}], [24]),
)
"""A query, users in the order in which it finds them, and their scores; a whole username or address is worth 200."""


def people() -> dict[str, User]:
    """PEOPLE, whose usernames, where none is given, are no word that a query above could be looking for."""
    return {name: a_user(**{"username": f"{n:04d}", **values}) for n, (name, values) in enumerate(PEOPLE.items())}


def crowd(count: int, seed: int) -> list[User]:
    """Sample users of many languages, with ids in no order and groups of them sharing their first 64 bits."""
    chance = random.Random(seed)
    rows = list(sample_users(count, seed=seed))
    prefixes = [chance.getrandbits(60).to_bytes(8) for _ in range(max(1, count // 50))]
    users = []
    for number, row in enumerate(rows):
        values = {BY_NAME[name].attribute: value for name, value in row.items() if BY_NAME[name] in WRITABLE}
        id = str(ULID.from_bytes(chance.choice(prefixes) + number.to_bytes(4) + chance.randbytes(4)))
        users.append(a_user(**{**values, "id": id, "roles": tuple(values.get("roles", ()))}))
    return users


def queries(users: Sequence[User], count: int, seed: int) -> Iterator[str]:
    """Queries such as people type who look for one of `users`: parts, in any order, begun, mistyped, of few letters."""
    chance = random.Random(seed)
    for _ in range(count):
        user = chance.choice(users)
        texts = [user.given_name, user.family_name, user.display_name, user.email, user.username]
        words = chance.choice([text for text in texts if text]).split()
        if chance.random() < 0.4:
            words += (chance.choice([text for text in texts if text])).split()
        chance.shuffle(words)
        query = " ".join(_mistyped(word, chance) if chance.random() < 0.4 else word for word in words)
        if chance.random() < 0.4:
            query = query[: chance.choice([1, 2, chance.randint(1, len(query))])]
        yield fold(query) if chance.random() < 0.5 else query + chance.choice(["", "", " "])


def _mistyped(word: str, chance: random.Random) -> str:
    letters = list(word)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(letters) + 1)
        match chance.randrange(4):
            case 0:
                letters.insert(at, chance.choice(word))
            case 1:
                del letters[at : at + 1]
            case 2:
                letters[at : at + 1] = chance.choice(word)
            case _:
                letters[at : at + 2] = reversed(letters[at : at + 2])
    return "".join(letters)


ALPHABETS = ("ab", "aé𠮷", "бв", "王明", "אב", "x1", "a" * 20 + "b")
"""Letters so few that everything is nearly everything; one makes long runs, past the longest token."""

_LENGTHS = (*(1, 2, 3, 4, 4, 5, 7, 8, 8, 9, 12) * 3, 45)


def adversaries(count: int, seed: int) -> list[User]:
    """Users whose names are random words of tiny alphabets, up to longer than a token may be."""
    chance = random.Random(seed)
    return [
        a_user(
            given_name=_word(chance),
            family_name=chance.choice([None, _word(chance), f"{_word(chance)}-{_word(chance)}"]),
            username=f"{_word(chance)}.{n}",
            email=f"{_word(chance)}{chance.choice('.+_')}{_word(chance)}@{_word(chance)}.example",
        )
        for n in range(count)
    ]


def adversarial_queries(count: int, seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    for _ in range(count):
        words = [_word(chance) for _ in range(chance.randint(1, 3))]
        yield chance.choice([" ", "-", "  "]).join(words) + chance.choice(["", " "])


def _word(chance: random.Random) -> str:
    return "".join(chance.choices(chance.choice(ALPHABETS), k=chance.choice(_LENGTHS)))


_TEXTS = ["a", "A", "ab", "b", "Å", "å", "ÅB", "é", "e\u0301", "ß", "z", "\uffee", "𠮷", "a%", "a_", "a*"]


def filtered_users(count: int, seed: int) -> list[User]:
    """Users named Filtered whose other fields are few and awkward values, or absent."""
    chance = random.Random(seed)
    scalars: list[Any] = [*_TEXTS, True, False, 0, 1, -1, 1.5, 2**53, "1", "true", ["a"], {"k": "a"}, [], None]
    users = []
    for n in range(count):
        at = [T0 + timedelta(milliseconds=chance.choice([0, 1, 2, 999, 86_400_000])) for _ in range(3)]
        users.append(
            a_user(
                username=f"{chance.choice(_TEXTS)}{n}",
                display_name="Filtered",
                version=chance.randint(1, 3),
                status=chance.choice([Status.ACTIVE, Status.SUSPENDED]),
                external_id=chance.choice([None, f"{chance.choice(_TEXTS)}{n}"]),
                given_name=chance.choice([None, *_TEXTS]),
                family_name=chance.choice([None, *_TEXTS]),
                email=chance.choice([None, f"{chance.choice('aBß')}{n}@Example.org"]),
                email_verified=chance.choice([None, True, False]),
                locale=chance.choice([None, "en", "de"]),
                roles=tuple(sorted(chance.sample(["admin", "a", "b", "Å"], chance.randint(0, 3)))),
                attributes={k: chance.choice(scalars) for k in chance.sample(["k", 'q"', "ä", "k'", "a b"], 2)},
                created_at=at[0],
                updated_at=at[1],
                status_changed_at=at[2],
            )
        )
    return users
