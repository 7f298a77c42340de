"""The shape of the tantivy index: its fields, from the field table, and a user's document in them."""

import hashlib
from datetime import datetime
from typing import Any

import orjson
import tantivy

from domain.clock import to_milliseconds
from domain.search.document import SCHEMA, IndexEntry, digest
from domain.users.fields import FIELDS, Kind, Tokens

ID, HIGH, LOW, VERSION, DIGEST = "id", "idHigh", "idLow", "version", "digest"
PRESENT, ATTRIBUTES = "present", "attributes"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_LOW_BITS = 64

TEXTS = tuple(f for f in FIELDS if f.filterable and f.name != ID and f.kind in {Kind.TEXT, Kind.TEXTS, Kind.STATUS})
BOOLEANS = tuple(f for f in FIELDS if f.filterable and f.kind is Kind.BOOLEAN)
TIMES = tuple(f for f in FIELDS if f.filterable and f.kind is Kind.TIME)


def tokens_field(tokens: Tokens) -> str:
    """The field that holds the search tokens of a group."""
    return f"tokens.{tokens.value}"


def build_schema() -> tantivy.Schema:
    """`present` names the fields a user has: tantivy can ask for presence of fast fields only.

    `digest` stands for the document, which is not stored.
    """
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(ID, stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field(HIGH, indexed=True, fast=True)
    builder.add_unsigned_field(LOW, indexed=True, fast=True)
    builder.add_integer_field(VERSION, indexed=True, fast=True)
    builder.add_unsigned_field(DIGEST, fast=True)
    for tokens in Tokens:
        builder.add_text_field(tokens_field(tokens), tokenizer_name="whitespace", index_option="basic")
    for field in TEXTS:
        builder.add_text_field(field.compared, fast=field.facetable, tokenizer_name="raw", index_option="basic")
    for field in BOOLEANS:
        builder.add_text_field(field.name, tokenizer_name="raw", index_option="basic")
    for field in TIMES:
        builder.add_integer_field(field.name, indexed=True, fast=True)
    builder.add_text_field(ATTRIBUTES, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(PRESENT, tokenizer_name="raw", index_option="basic")
    return builder.build()


def fingerprint() -> dict[str, Any]:
    """What an index folder says of its shape, so that another release's is not written to."""
    fields = [[f.name, f.kind.value, f.compared, f.facetable] for f in (*TEXTS, *BOOLEANS, *TIMES)]
    layout = [[DIGEST], *fields]
    return {"schema": SCHEMA, "layout": hashlib.blake2b(orjson.dumps(layout), digest_size=8).hexdigest()}


def to_tantivy(entry: IndexEntry, schema: tantivy.Schema) -> tantivy.Document:
    """The tantivy document of an entry that is not a deletion."""
    document = entry.document or {}
    search = document.get("search", {})
    high, low = halves(entry.id)
    values: dict[str, Any] = {ID: entry.id, HIGH: high, LOW: low, VERSION: entry.version, DIGEST: digest(document)}
    for tokens in Tokens:
        if tokens.value in search:
            values[tokens_field(tokens)] = search[tokens.value]
    present = [ID, VERSION]
    for field in TEXTS:
        value = search.get(field.compared) if field.compared != field.name else document.get(field.name)
        if value is not None:
            values[field.compared] = value
            present.append(field.name)
    for field in BOOLEANS:
        if field.name in document:
            values[field.name] = boolean_term(document[field.name])
            present.append(field.name)
    for field in TIMES:
        if field.name in document:
            values[field.name] = to_milliseconds(datetime.fromisoformat(document[field.name]))
            present.append(field.name)
    if "attributes" in search:
        values[ATTRIBUTES] = search["attributes"]
    values[PRESENT] = present
    return tantivy.Document.from_dict(values, schema)


def boolean_term(value: bool) -> str:
    return "true" if value else "false"


def halves(id: str) -> tuple[int, int]:
    """An id as two unsigned 64-bit numbers, which order as the ids do."""
    number = 0
    for character in id:
        number = number << 5 | _DIGITS[character]
    return number >> _LOW_BITS, number & (1 << _LOW_BITS) - 1


def from_halves(high: int, low: int) -> str:
    """The inverse of `halves`."""
    number = high << _LOW_BITS | low
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
