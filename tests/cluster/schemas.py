"""JSON schemas for kubeconform, made of what Kubernetes and Istio publish: nothing is downloaded at run time."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.servers.tools import ISTIO, KUBERNETES

LOCATION = "{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}.json"
"""How kubeconform asks for one; for the core group it says the version twice."""
_EITHER = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ["integer", "string"],
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ["number", "string"],
}
"""What OpenAPI 2 cannot say of these: it calls both strings."""
_ANY_OBJECT = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}

Schema = dict[str, Any]


def write(folder: Path) -> str:
    """Write them all; the location to give to kubeconform."""
    swagger = json.loads(KUBERNETES.path("swagger.json").read_text())
    crds = YAML(typ="safe").load_all(ISTIO.path("crds.yaml").read_text())
    definitions = folder / "definitions.json"
    definitions.write_text(json.dumps({"definitions": built_in(swagger["definitions"])}))
    for name, key in names(swagger["definitions"]).items():
        (folder / name).write_text(json.dumps({"$ref": f"{definitions.as_uri()}#/definitions/{key}"}))
    for name, schema in custom(filter(None, crds)).items():
        (folder / name).write_text(json.dumps(schema))
    return str(folder / LOCATION)


def built_in(definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Kubernetes' own definitions, without room for unknown fields."""
    either = {key: {"type": types} for key, types in _EITHER.items()}
    return {key: strict(definition) for key, definition in {**definitions, **either}.items()}


def names(definitions: dict[str, Schema]) -> dict[str, str]:
    """The definition of each kind, by the name that kubeconform asks for."""
    return {
        _name(kind["kind"], kind["group"], kind["version"]): key
        for key, definition in definitions.items()
        for kind in definition.get("x-kubernetes-group-version-kind", [])
    }


def custom(crds: Iterable[Schema]) -> dict[str, Schema]:
    """The schemas of custom resources, likewise."""
    schemas = {}
    for crd in crds:
        spec = crd["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"] = {**schema["properties"], **_ANY_OBJECT}
            schemas[_name(spec["names"]["kind"], spec["group"], version["name"])] = schema
    return schemas


def strict(schema: Any) -> Any:
    """The same schema, closed wherever it lists its properties."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _each(value) if key == "properties" else strict(value) for key, value in schema.items()}
    free = schema.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in schema and "additionalProperties" not in schema and not free:
        inner["additionalProperties"] = False
    return inner


def _each(properties: Schema) -> Schema:
    """A map of schemas is none itself, even where a property is called `properties`."""
    return {name: strict(schema) for name, schema in properties.items()}


def _name(kind: str, group: str, version: str) -> str:
    return f"{kind.lower()}-{group or version}-{version}.json"
