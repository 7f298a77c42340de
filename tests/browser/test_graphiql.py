"""GraphiQL in a real Chromium that can reach nothing but the service."""

from collections.abc import Mapping

import pytest

from domain.users.sample import sample_users
from tests.browser.conftest import USERS
from tests.browser.driver import Report

_REFUSED = "error: Failed to load resource: the server responded with a status of 400 (Bad Request)"


@pytest.mark.parametrize(
    ("scenario", "problems"),
    [
        ("load", []),
        ("complete", []),
        ("listUsers", []),
        ("oneUser", []),
        ("searchUsers", []),
        ("fail", [_REFUSED]),  # Chromium says so of every such answer
        ("comeBack", []),
    ],
)
def test_nothing_goes_wrong_on_the_way(
    reports: Mapping[str, Report], scenario: str, problems: list[str], service_url: str
) -> None:
    report = reports[scenario]
    assert report.failure is None
    assert report.problems == problems  # errors and warnings of the console, uncaught exceptions, violated policies
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
    assert set(value["labels"]) == {"user", "userBy", "users", "searchUsers", "suggestUsers"}
    assert value["query"].startswith("{ user")


def test_runs_an_example(reports: Mapping[str, Report]) -> None:
    response = reports["listUsers"].value["response"]
    assert f'"totalCount": {USERS}' in response
    (first,) = sample_users(1)
    assert f'"displayName": "{first["displayName"]}"' in response


def test_runs_an_example_with_variables(reports: Mapping[str, Report]) -> None:
    (first,) = sample_users(1)
    assert f'"username": "{first["username"]}"' in reports["oneUser"].value["response"]


def test_runs_a_search(reports: Mapping[str, Report]) -> None:
    response = reports["searchUsers"].value["response"]
    maria = next(row for row in sample_users(USERS) if row["givenName"].startswith("Maria"))
    assert f'"displayName": "{maria["displayName"]}"' in response


def test_underlines_an_unknown_field_and_shows_the_refusal(reports: Mapping[str, Report]) -> None:
    assert "Cannot query field 'nope' on type 'Query'." in reports["fail"].value["response"]


def test_shows_what_answers_instead_of_the_service(reports: Mapping[str, Report]) -> None:
    assert reports["serviceDown"].failure is None
    value = reports["serviceDown"].value
    assert '"message": "HTTP 502: upstream connect error"' in value["fromProxy"]
    assert '"message": "No answer from /graphql: ' in value["fromNobody"]


def test_sends_the_token_that_it_shows(reports: Mapping[str, Report]) -> None:
    report = reports["listUsers"]
    sent = {request.authorization for request in report.requests if request.url.endswith("/graphql")} - {None}
    (token,) = (str(header).removeprefix("Bearer ") for header in sent)
    assert token.count(".") == 2
    assert token in "".join(report.value["headers"].split())  # the editor breaks long lines


def test_keeps_no_token_and_comes_back_with_a_fresh_one(reports: Mapping[str, Report]) -> None:
    value = reports["comeBack"].value
    assert "ListUsers" in value["kept"]
    assert "Bearer" not in value["kept"]
    assert "Bearer" in value["headersAtOnce"]
    assert "Bearer" in value["headersLater"]
    assert value["headersLater"] != value["headersAtOnce"]
    assert value["headersFromHistory"] == value["headersLater"]


def test_without_node_the_page_says_how_to_get_it(unbuilt: Report) -> None:
    assert unbuilt.failure is None
    assert unbuilt.problems == []
    assert "make graphiql" in unbuilt.value["text"]
    assert "Node 20" in unbuilt.value["text"]
    assert unbuilt.value["width"] != "none"  # its style is let in by the policy
