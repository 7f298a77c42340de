"""A user created by mutation is found at once by a search that waits for it, in every mode, by the real processes."""

from pathlib import Path

from tests.chaos.api import Api, api_of
from tests.chaos.system import running
from tests.integration.indexer.process import Environment, until

USERS = 20
_CREATE = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } changeToken } }"
_SEARCH = """
    query($query: String!, $waitFor: [String!]) {
        searchUsers(query: $query, waitFor: $waitFor) { fresh totalCount edges { node { id username } } }
    }
"""


async def test_a_created_user_is_found_at_once(environment: Environment, tmp_path: Path) -> None:
    async with running(environment, tmp_path) as system, api_of(system.settings) as api:
        await until(system.answers, "the API listens")
        await _create(api, "first")
        await until(lambda: _is_found(api, "first"), "the indexer has started")
        for number in range(USERS):
            id, token = await _create(api, f"user{number}")
            answer = await api.call(_SEARCH, {"query": f"user{number}", "waitFor": [token]})
            assert "errors" not in answer, answer
            found = answer["data"]["searchUsers"]
            assert found["fresh"]
            assert found["edges"][0] == {"node": {"id": id, "username": f"user{number}"}}


async def _create(api: Api, username: str) -> tuple[str, str]:
    """Its id and its change token."""
    answer = await api.call(_CREATE, {"input": {"username": username}})
    created = answer["data"]["createUser"]
    return created["user"]["id"], created["changeToken"]


async def _is_found(api: Api, username: str) -> bool:
    found = (await api.call(_SEARCH, {"query": username}))["data"]["searchUsers"]
    return bool(found and found["totalCount"])
