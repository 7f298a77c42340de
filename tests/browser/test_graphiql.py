"""GraphiQL in a real Chromium that can reach nothing but the service."""

from collections.abc import Mapping

import pytest

from tests.browser.driver import Report


@pytest.mark.parametrize("scenario", ["load", "complete", "runExample", "fail", "comeBack", "unbuilt"])
def test_nothing_goes_wrong_on_the_way(reports: Mapping[str, Report], scenario: str, service_url: str) -> None:
    report = reports[scenario]
    assert report.failure is None
    assert report.problems == []  # errors and warnings of the console, uncaught exceptions, violations of the policy
    assert report.requests
    assert [request.url for request in report.requests if not request.url.startswith(f"{service_url}/")] == []


def test_opens_with_the_examples_in_tabs(reports: Mapping[str, Report]) -> None:
    value = reports["load"].value
    assert value["title"] == "User service · GraphiQL"
    assert value["tabs"] == ["ListUsers", "OneUser", "SearchUsers", "CreateUser", "Me"]


def test_runs_the_language_services_beside_the_page(reports: Mapping[str, Report]) -> None:
    names = {url.rpartition("/")[2].partition("-")[0] for url in reports["complete"].value["workers"]}
    assert names == {"editor", "graphql", "json"}


def test_completes_a_field_name(reports: Mapping[str, Report]) -> None:
    value = reports["complete"].value
    assert value["labels"] == ["users"]
    assert value["query"].startswith("{ users")


def test_runs_an_example(reports: Mapping[str, Report]) -> None:
    response = reports["runExample"].value["response"]
    assert '"totalCount": 5' in response
    assert '"displayName": "Jesús García"' in response


def test_underlines_an_unknown_field_and_shows_the_refusal(reports: Mapping[str, Report]) -> None:
    assert "Cannot query field 'nope' on type 'Query'." in reports["fail"].value["response"]


def test_shows_what_answers_instead_of_the_service(reports: Mapping[str, Report]) -> None:
    value = reports["serviceDown"].value
    assert '"message": "HTTP 502: upstream connect error"' in value["fromProxy"]
    assert '"message": "No answer from /graphql: ' in value["fromNobody"]


def test_sends_the_token_that_it_shows(reports: Mapping[str, Report]) -> None:
    report = reports["runExample"]
    sent = {request.authorization for request in report.requests if request.url.endswith("/graphql")} - {None}
    assert len(sent) == 1
    assert sent.pop() in {f"Bearer token-{view}" for view in range(1, 10)}


def test_keeps_no_token_and_comes_back_with_a_fresh_one(reports: Mapping[str, Report]) -> None:
    value = reports["comeBack"].value
    assert "ListUsers" in value["kept"]
    assert "token-" not in value["kept"]
    assert "Bearer token-" in value["headersAtOnce"]
    assert "Bearer token-" in value["headersLater"]
    assert value["headersLater"] != value["headersAtOnce"]
    assert value["headersFromHistory"] == value["headersLater"]


def test_without_node_the_page_says_how_to_get_it(reports: Mapping[str, Report]) -> None:
    value = reports["unbuilt"].value
    assert "make graphiql" in value["text"]
    assert "Node 20" in value["text"]
    assert value["width"] != "none"  # its style is let in by the policy
