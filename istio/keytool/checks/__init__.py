"""Checks of Istio manifests before `kubectl apply`: stricter than Istio's own, and about what belongs together."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from keytool.checks import (
    authorization,
    destination_rule,
    fields,
    gateway,
    peer_authentication,
    request_authentication,
    selectors,
    service_entry,
    settings,
    virtual_service,
)
from keytool.checks.document import Document
from keytool.checks.finding import Finding
from keytool.checks.reading import read_all

Rule = Callable[[Sequence[Document]], Iterator[Finding]]

RULES: Sequence[Rule] = (
    fields.unknown_kinds,
    fields.unknown_fields,
    fields.misplaced,
    fields.doubled,
    selectors.selectors,
    request_authentication.keys,
    request_authentication.issuer_and_audience,
    request_authentication.one_rule,
    request_authentication.where_tokens_are,
    settings.issuer_and_audience_agree,
    settings.keys_agree,
    settings.hosts_are_reachable,
    authorization.denies_by_default,
    authorization.allows_somebody,
    authorization.graphql_needs_a_token,
    authorization.tokens_are_checked,
    authorization.issuers_agree,
    authorization.peers_are_known,
    authorization.ports_are_the_containers,
    authorization.conditions_are_known,
    peer_authentication.strict,
    virtual_service.gateways,
    virtual_service.destinations,
    virtual_service.only_graphql,
    virtual_service.time_and_retries,
    virtual_service.origins,
    gateway.encrypted,
    gateway.named_hosts,
    destination_rule.known_hosts,
    destination_rule.mutual_tls,
    service_entry.egress_is_named,
    service_entry.egress_is_closed,
    service_entry.members_are_told_apart,
)


def check(files: Iterable[Path]) -> Sequence[Finding]:
    """All that is wrong with these files, taken together, in the order of their lines."""
    documents, findings = read_all(files)
    return sorted({*findings, *find(documents)})


def find(documents: Sequence[Document]) -> Sequence[Finding]:
    """What the rules say of these documents."""
    return [finding for rule in RULES for finding in rule(documents)]
