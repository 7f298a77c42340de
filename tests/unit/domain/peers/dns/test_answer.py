"""What a reply says."""

from contextlib import suppress
from random import Random

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import dns.update
import pytest

from domain.peers.dns.answer import Alias, Answer, BadReply, read_reply
from tests.fixtures.dns import Zone

NAME = "_graphql._tcp.posts.example."
SOA = f"{NAME} 60 IN SOA a. b. 1 1 1 1 9"


def _reply(*answer: str, authority: tuple[str, ...] = (), rcode: str = "NOERROR") -> dns.message.Message:
    reply = dns.message.make_response(dns.message.make_query(NAME, "SRV"))
    reply.answer = [_record(line) for line in answer]
    reply.authority = [_record(line) for line in authority]
    reply.set_rcode(dns.rcode.from_text(rcode))
    return dns.message.from_wire(reply.to_wire())


def _record(line: str) -> dns.rrset.RRset:
    name, ttl, rdclass, kind, data = line.split(maxsplit=4)
    return dns.rrset.from_text(name, int(ttl), rdclass, kind, data)


def test_records_over_aliases_hold_for_the_smallest_ttl() -> None:
    said = read_reply(
        _reply(
            f"{NAME} 20 IN CNAME b.example.",
            "b.example. 5 IN CNAME c.example.",
            "c.example. 9 IN SRV 0 1 80 t.example.",
        )
    )
    assert isinstance(said, Answer)
    assert said.records is not None
    assert (said.ttl, [str(record) for record in said.records]) == (5, ["0 1 80 t.example."])


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"])
def test_an_error_is_no_answer(rcode: str) -> None:
    with pytest.raises(BadReply, match=f"answered {rcode}"):
        read_reply(_reply(rcode=rcode))


@pytest.mark.parametrize(("rcode", "exists"), [("NXDOMAIN", False), ("NOERROR", True)])
def test_nothing_holds_as_long_as_the_soa_says(rcode: str, exists: bool) -> None:
    assert read_reply(_reply(authority=(SOA,), rcode=rcode)) == Answer(None, 9, exists)


def test_nothing_without_an_soa_holds_for_five_minutes() -> None:
    assert read_reply(_reply(rcode="NXDOMAIN")) == Answer(None, 300, exists=False)


def test_an_alias_without_its_end_is_to_be_followed() -> None:
    said = read_reply(_reply(f"{NAME} 20 IN CNAME b.example."))
    assert said == Alias(dns.name.from_text("b.example."), 20)


def test_an_alias_to_a_name_without_records_is_nothing() -> None:
    said = read_reply(_reply(f"{NAME} 20 IN CNAME b.example.", authority=("example. 60 IN SOA a. b. 1 1 1 1 9",)))
    assert said == Answer(None, 9)


def test_aliases_in_a_circle() -> None:
    with pytest.raises(BadReply, match="do not end"):
        read_reply(_reply(f"{NAME} 20 IN CNAME b.example.", f"b.example. 20 IN CNAME {NAME}"))


@pytest.mark.parametrize(
    "line", [f"{NAME} 20 IN A 10.0.0.1", f"{NAME} 20 CH TXT x", "other.example. 20 IN SRV 0 1 80 t.example."]
)
def test_records_that_were_not_asked_for_are_no_answer(line: str) -> None:
    with pytest.raises(BadReply, match="not asked for"):
        read_reply(_reply(line))


def test_records_of_another_type_beside_those_asked_for_say_nothing() -> None:
    said = read_reply(_reply(f"{NAME} 1 IN A 10.0.0.1", f"{NAME} 20 IN SRV 0 1 80 t.example."))
    assert isinstance(said, Answer)
    assert said.ttl == 20


def test_a_referral_is_no_answer() -> None:
    with pytest.raises(BadReply, match="other servers"):
        read_reply(_reply(authority=("example. 60 IN NS ns.example.",)))


def test_records_of_a_name_that_does_not_exist_contradict_themselves() -> None:
    with pytest.raises(BadReply, match="contradicted itself"):
        read_reply(_reply(f"{NAME} 20 IN SRV 0 1 80 t.example.", rcode="NXDOMAIN"))


def test_a_message_that_is_no_reply_to_a_question() -> None:
    with pytest.raises(BadReply, match="something else"):
        read_reply(dns.update.UpdateMessage("example."))
    with pytest.raises(BadReply, match="contradicted itself"):
        read_reply(dns.message.make_query(NAME, "SRV"))


def test_damaged_replies_raise_nothing_else() -> None:
    random = Random(1)
    zone = Zone(additional=True)
    zone.set("c.example", "CNAME", "s.example.")
    zone.set("s.example", "SRV", "0 1 80 a.example.", "0 1 81 b.example.")
    zone.set("a.example", "A", "10.0.0.1")
    query = dns.message.make_query("c.example", "SRV", use_edns=0)
    whole = zone.reply(query.to_wire(), over_tcp=True)
    assert whole is not None
    for _ in range(1000):
        wire = bytearray(whole)
        for _ in range(random.randint(1, 3)):
            wire[random.randrange(len(wire))] = random.randrange(256)
        with suppress(BadReply, dns.exception.DNSException):
            read_reply(dns.message.from_wire(bytes(wire)))
