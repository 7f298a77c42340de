"""Search domains and ndots."""

import pytest

from domain.peers.dns.names import candidates, parse_name

SEARCH = ("default.svc.cluster.local", "svc.cluster.local", "cluster.local")


def _candidates(name: str, search: tuple[str, ...] = SEARCH, ndots: int = 5) -> list[str]:
    return [str(candidate) for candidate in candidates(parse_name(name), search, ndots)]


def test_in_a_pod_a_name_with_fewer_dots_is_searched_first() -> None:
    assert _candidates("_graphql._tcp.posts.default.svc") == [
        "_graphql._tcp.posts.default.svc.default.svc.cluster.local.",
        "_graphql._tcp.posts.default.svc.svc.cluster.local.",
        "_graphql._tcp.posts.default.svc.cluster.local.",
        "_graphql._tcp.posts.default.svc.",
    ]


def test_with_enough_dots_it_is_asked_for_as_it_is_first() -> None:
    assert _candidates("a.b", ndots=1)[0] == "a.b."
    assert _candidates("a.b", ndots=2)[0] == "a.b.default.svc.cluster.local."
    assert _candidates("a", ndots=0)[0] == "a."


def test_a_dot_at_the_end_ends_the_search() -> None:
    assert _candidates("a.b.") == ["a.b."]


def test_search_domains_that_make_no_name_are_passed_over() -> None:
    assert _candidates("abcd", (".", "b..c", "x" * 64, ".".join(["x" * 62] * 4), "ok")) == ["abcd.", "abcd.ok."]


@pytest.mark.parametrize("text", ["", ".", "a..b", "x" * 64, ".".join(["x" * 60] * 5), "\\300.example"])
def test_what_dns_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="DNS name"):
        parse_name(text)
