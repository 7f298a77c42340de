"""What a developer sees first: where the page is, a token, and one line to paste."""

from datetime import timedelta

from domain.identity.caller import Right
from domain.identity.verifier import development_token
from domain.settings import Settings

TOKEN_TTL = timedelta(days=7)

_FIELDS = "totalCount edges { score node { id username displayName } }"
_QUERY = f'{{"query": "{{ searchUsers(query: \\"maria\\", first: 3) {{ {_FIELDS} }} }}"}}'

_TEXT = """
GraphiQL   http://localhost:{port}/graphql   (in a moment)
Token      for an administrator, for {days} days; others: make token SUB=<user id> SCOPE="user:read"

{token}

Try it:

curl -s localhost:{port}/graphql -H 'Content-Type: application/json' -H 'Authorization: Bearer {token}' -d '{query}'

Ctrl-C stops everything.
"""


def welcome(settings: Settings) -> str:
    """The text for a development machine. Raises SettingsError elsewhere."""
    token = development_token(settings, "developer", [Right.ADMIN], TOKEN_TTL)
    return _TEXT.format(port=settings.port, days=TOKEN_TTL.days, token=token, query=_QUERY)
