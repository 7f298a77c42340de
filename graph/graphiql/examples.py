"""The queries that fill the page's tabs: the files in `examples/`, in the order of their names."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "examples"


@dataclass(frozen=True, slots=True)
class Example:
    """One tab: a GraphQL document and its variables, a JSON object as text.

    GraphiQL shows no variables in the first tab of a first visit, so the first example has none.
    """

    query: str
    variables: str | None


def load_examples(folder: Path = _FOLDER) -> tuple[Example, ...]:
    """Read every `*.graphql`, each with the variables in the `.json` of the same name, if there is one."""
    return tuple(_load(path) for path in sorted(folder.glob("*.graphql")))


def as_tabs(examples: tuple[Example, ...]) -> list[dict[str, str | None]]:
    """The form in which the page's script takes its tabs."""
    return [asdict(example) for example in examples]


def _load(path: Path) -> Example:
    beside = path.with_suffix(".json")
    variables = beside.read_text(encoding="utf-8").strip() if beside.exists() else None
    if variables is not None and not isinstance(json.loads(variables), dict):
        raise ValueError(f"{beside.name}: variables are a JSON object")
    return Example(query=path.read_text(encoding="utf-8").strip(), variables=variables)
