"""Execution: graphql-core's, with a short way for objects of which only stored values are selected."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    TypeNameMetaFieldDef,
    Undefined,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.pyutils import AwaitableOrValue, Path, RefMap
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

Read = Callable[[Any], Any]
"""From a value to what the response says of it. Raises anything for a value that is not plain."""

_PLAIN_SCALARS: Mapping[str, type] = {"ID": str, "String": str, "Boolean": bool}
_MAX_INT = 2**31 - 1


class NotPlain(Exception):
    """A value is not of the very type that goes into a response as it is."""


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Reads an object in one go where all that is selected of it is stored in its attributes, at every depth.

    graphql-core prepares for a resolver at every field of every object, which for a page of users is half of a
    request's time. Whatever is not plain, errors and the nulls that they cause included, is left to it: it reads the
    object again from the beginning, and reading attributes twice changes nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reads: RefMap[GroupedFieldSet, Read | None] = RefMap()
        self._short = self.middleware_manager is None or not self.middleware_manager.middlewares

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        read = self._object(parent_type, grouped_field_set) if self._short else None
        if read is not None:
            try:
                result: dict[str, Any] = read(source_value)
            except Exception:  # noqa: S110 (graphql-core meets the same, and says what is wrong)
                pass
            else:
                return result
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    def _object(self, type: GraphQLObjectType, selected: GroupedFieldSet) -> Read | None:
        """How to read what is selected of an object; None where something is not stored in it."""
        if selected not in self._reads:
            self._reads[selected] = self._plain_object(type, selected)
        read: Read | None = self._reads[selected]
        return read

    def _plain_object(self, type: GraphQLObjectType, selected: GroupedFieldSet) -> Read | None:
        fields = []
        for name, details in selected.items():
            field = self.schema.get_field(type, details[0].node.name.value)
            found = self._attribute(type, field, details) if field else None
            if not found:
                return None
            fields.append((name, *found))

        def read(source: Any) -> dict[str, Any]:
            return {name: complete(getattr(source, attribute)) for name, attribute, complete in fields}

        return read

    def _attribute(
        self, type: GraphQLObjectType, field: GraphQLField, details: FieldDetailsList
    ) -> tuple[str, Read] | None:
        """The attribute that holds a field, and how to read its value."""
        if field is TypeNameMetaFieldDef:
            return "__class__", lambda _: type.name
        definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not isinstance(definition, StrawberryField) or not definition.is_basic_field:
            return None
        read = self._value(field.type, details)
        return (definition.python_name, read) if read else None

    def _value(self, type: GraphQLOutputType, details: FieldDetailsList) -> Read | None:
        if isinstance(type, GraphQLNonNull):
            return self._present(type.of_type, details)
        read = self._present(type, details)
        return read and (lambda value: None if value is None else read(value))

    def _present(self, type: GraphQLOutputType, details: FieldDetailsList) -> Read | None:
        """How to read a value that is there."""
        match type:
            case GraphQLScalarType():
                return _scalar(type)
            case GraphQLEnumType():
                return _coerced(type)
            case GraphQLList():
                read = self._value(type.of_type, details)
                return read and _list(read)
            case GraphQLObjectType():
                return self._nested(type, details)
            case _:
                return None

    def _nested(self, type: GraphQLObjectType, details: FieldDetailsList) -> Read | None:
        selected, deferred, _ = self.collect_subfields(type, details)
        read = None if deferred else self._object(type, selected)
        is_type_of = type.is_type_of
        if read is None or is_type_of is None:
            return read

        def checked(value: Any) -> Any:
            if is_type_of(value, None) is not True:  # type: ignore[arg-type]
                raise NotPlain
            return read(value)

        return checked


def _scalar(type: GraphQLScalarType) -> Read:
    if type.name in _PLAIN_SCALARS:
        return _exactly(_PLAIN_SCALARS[type.name])
    return _int if type.name == "Int" else _coerced(type)


def _exactly(plain: type) -> Read:
    def read(value: Any) -> Any:
        if type(value) is not plain:
            raise NotPlain
        return value

    return read


def _int(value: Any) -> int:
    if type(value) is not int or not -_MAX_INT - 1 <= value <= _MAX_INT:
        raise NotPlain
    return value


def _coerced(type: GraphQLScalarType | GraphQLEnumType) -> Read:
    coerce = type.coerce_output_value

    def read(value: Any) -> Any:
        if isinstance(value, Exception) or hasattr(value, "__await__"):
            raise NotPlain
        result = coerce(value)
        if result is None or result is Undefined:
            raise NotPlain
        return result

    return read


def _list(read: Read) -> Read:
    def read_all(values: Any) -> list[Any]:
        if type(values) not in {list, tuple}:
            raise NotPlain
        return [read(value) for value in values]

    return read_all
