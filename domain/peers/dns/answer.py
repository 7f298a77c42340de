"""What a nameserver's reply says: records, that there are none, that the name stands for another, or nothing usable."""

from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass(frozen=True, slots=True)
class Answer:
    """The records asked for (None: there are none), and for how many seconds that holds.

    `exists` is false where the name has no records of any type (NXDOMAIN).
    """

    records: dns.rrset.RRset | None
    ttl: int
    exists: bool = True
    additional: Sequence[dns.rrset.RRset] = ()


@dataclass(frozen=True, slots=True)
class Alias:
    """The reply ends at a CNAME: its target is to be asked for. `ttl` is the smallest so far, in seconds."""

    target: dns.name.Name
    ttl: int


class BadReply(Exception):
    """The reply neither has the records nor says that there are none; `reason` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_reply(reply: dns.message.Message) -> Answer | Alias:
    """Follows aliases within the reply. Raises BadReply."""
    if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise BadReply(f"answered {dns.rcode.to_text(reply.rcode())}")
    if not isinstance(reply, dns.message.QueryMessage):
        raise BadReply("answered something else than a question")
    try:
        end = reply.resolve_chaining()
    except dns.message.ChainTooLong as exc:
        raise BadReply("answered with aliases that do not end") from exc
    except dns.exception.DNSException as exc:
        raise BadReply(f"contradicted itself ({type(exc).__name__})") from exc
    if end.answer is not None:
        return Answer(end.answer, end.minimum_ttl, additional=reply.additional)
    return _without_records(reply, end)


def _without_records(reply: dns.message.QueryMessage, end: dns.message.ChainingResult) -> Answer | Alias:
    if reply.rcode() == dns.rcode.NXDOMAIN:
        return Answer(None, end.minimum_ttl, exists=False)
    says_so = _has(reply.authority, dns.rdatatype.SOA)
    if end.cnames and not says_so:
        return Alias(end.canonical_name, min(record.ttl for record in end.cnames))
    if reply.answer and not end.cnames:
        raise BadReply("answered with records that were not asked for")
    if not says_so and _has(reply.authority, dns.rdatatype.NS):
        raise BadReply("pointed to other servers instead of answering")
    return Answer(None, end.minimum_ttl)


def _has(section: Sequence[dns.rrset.RRset], kind: dns.rdatatype.RdataType) -> bool:
    return any(record.rdtype == kind for record in section)
