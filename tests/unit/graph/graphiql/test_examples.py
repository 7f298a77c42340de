import json
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, parse

from domain.users.sample import sample_users
from graph.graphiql.examples import Example, load_examples


def test_every_operation_is_named_because_its_name_is_the_title_of_its_tab() -> None:
    examples = load_examples()
    assert len(examples) == 5
    for example in examples:
        operations = [node for node in parse(example.query).definitions if isinstance(node, OperationDefinitionNode)]
        assert operations
        assert all(operation.name for operation in operations)


def test_the_first_has_no_variables_because_graphiql_would_not_show_them() -> None:
    assert load_examples()[0].variables is None


def test_variables_are_those_that_the_operations_declare() -> None:
    for example in load_examples():
        declared = {
            definition.variable.name.value
            for node in parse(example.query).definitions
            if isinstance(node, OperationDefinitionNode)
            for definition in node.variable_definitions or ()
        }
        assert set(json.loads(example.variables or "{}")) == declared


def test_the_user_that_is_looked_up_is_in_the_sample() -> None:
    example = load_examples()[1]
    assert example.query.splitlines()[1].startswith("query OneUser(")
    (first,) = sample_users(1)
    assert json.loads(example.variables or "") == {"by": {"externalId": first["externalId"]}}


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "2.graphql").write_text("query B { b }\n")
    (tmp_path / "2.json").write_text('{"b": 1}\n')
    (tmp_path / "1.graphql").write_text("query A { a }\n")
    assert load_examples(tmp_path) == (Example("query A { a }", None), Example("query B { b }", '{"b": 1}'))


@pytest.mark.parametrize("text", ["[]", '"x"', "null"])
def test_variables_that_are_no_object_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.graphql").write_text("query A { a }")
    (tmp_path / "1.json").write_text(text)
    with pytest.raises(ValueError, match=r"^1\.json: variables are a JSON object$"):
        load_examples(tmp_path)
