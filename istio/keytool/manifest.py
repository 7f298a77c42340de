"""The issuer and the keys in a RequestAuthentication: read, and written so that everything else stays byte for byte."""

import json
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from keytool import files, jwks
from keytool.errors import ManifestRefused

INDENT = "  "
_PLAIN = re.compile(r"https?://[A-Za-z0-9._~/-]+")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a request-auth.yaml says; `keys` is empty as long as nothing that is a JWKS has been filled in."""

    path: Path
    issuer: str
    audiences: tuple[str, ...]
    keys: jwks.Entries


def read(path: Path) -> Manifest:
    """Raises ManifestRefused for a file that is not one RequestAuthentication with one rule and inline keys."""
    rule = _rule(path, _text(path))
    return Manifest(path, _scalar(path, rule, "issuer").value, _audiences(rule), _keys(rule))


def write(path: Path, issuer: str, keys: jwks.Entries) -> bool:
    """Puts both in, keeping comments, order and the file's mode; False if they were there already.

    Raises ManifestRefused.
    """
    path = path.resolve()  # a link stays one
    text = _text(path)
    changed = filled(path, text, issuer, keys)
    if changed == text:
        return False
    try:
        files.write(path, changed.encode(), mode=stat.S_IMODE(path.stat().st_mode))
    except OSError as exc:
        raise ManifestRefused(path, f"cannot be written: {exc.strerror}") from exc
    return True


def filled(path: Path, text: str, issuer: str, keys: jwks.Entries) -> str:
    """The manifest's text with that issuer and those keys; `path` is for messages. Raises ManifestRefused."""
    rule = _rule(path, text)
    if list(_keys(rule)) != list(keys):
        text = _with_keys(text, _scalar(path, rule, "jwks"), jwks.write(keys))
        rule = _rule(path, text)
    node = _scalar(path, rule, "issuer")
    return text if node.value == issuer else _with_scalar(text, node, issuer)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as exc:
        raise ManifestRefused(path, f"cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError:
        raise ManifestRefused(path, "is no text in UTF-8") from None


def _rule(path: Path, text: str) -> MappingNode:
    try:
        documents = list(YAML(typ="safe", pure=True).compose_all(text))
    except YAMLError as exc:
        raise ManifestRefused(path, f"is no YAML: {' '.join(str(exc).split())}") from None
    found = [document for document in documents if _value(document, "kind") == "RequestAuthentication"]
    if len(found) != 1:
        raise ManifestRefused(path, f"holds {len(found)} RequestAuthentications: give a file with one")
    rules = _member(_member(found[0], "spec"), "jwtRules")
    if not isinstance(rules, SequenceNode) or len(rules.value) != 1 or not isinstance(rules.value[0], MappingNode):
        raise ManifestRefused(path, "must have exactly one rule under spec.jwtRules: one issuer")
    rule = rules.value[0]
    if rule.flow_style or rules.flow_style:
        raise ManifestRefused(path, "has its rule in braces: write it in lines")
    if _member(rule, "jwksUri") is not None:
        raise ManifestRefused(path, "has a jwksUri, so the keys come from there: take it out to have them inline")
    return rule


def _member(node: Node | None, name: str) -> Node | None:
    if not isinstance(node, MappingNode):
        return None
    values: list[Node] = [value for key, value in node.value if key.value == name]
    return values[0] if values else None


def _value(node: Node | None, name: str) -> object:
    member = _member(node, name)
    return member.value if isinstance(member, ScalarNode) else None


def _scalar(path: Path, rule: MappingNode, name: str) -> ScalarNode:
    node = _member(rule, name)
    if not isinstance(node, ScalarNode) or node.start_mark.index == node.end_mark.index:
        raise ManifestRefused(path, f"has no text in spec.jwtRules[0].{name}: put the line `{name}: FILL-IN` there")
    if node.anchor is not None:
        raise ManifestRefused(path, f"has an anchor in spec.jwtRules[0].{name}: write the value without one")
    return node


def _audiences(rule: MappingNode) -> tuple[str, ...]:
    node = _member(rule, "audiences")
    return tuple(str(item.value) for item in node.value) if isinstance(node, SequenceNode) else ()


def _keys(rule: MappingNode) -> jwks.Entries:
    try:
        return jwks.read(str(_value(rule, "jwks")))
    except ValueError:
        return ()


def _with_scalar(text: str, node: ScalarNode, value: str) -> str:
    start, rest, below = _around(text, node)
    return f"{start}{_quoted(value)}{rest}{below}"


def _with_keys(text: str, node: ScalarNode, value: str) -> str:
    """The value becomes a block; a comment at the end of its line stays there."""
    start, rest, below = _around(text, node)
    line = start.rpartition("\n")[2]
    margin = " " * (len(line) - len(line.lstrip(" -"))) + INDENT
    block = "".join(f"\n{margin}{line}" for line in value.splitlines())
    return f"{start}|-{rest}{block}{below}"


def _around(text: str, node: ScalarNode) -> tuple[str, str, str]:
    """What is before the value, behind it on its last line, and below that: from the end of the line on."""
    begin, end = node.start_mark.index, node.end_mark.index
    if node.style in ("|", ">"):
        header = text[begin:end].partition("\n")[0]
        return text[:begin], header.lstrip("|>+-0123456789"), f"\n{text[end:]}"
    rest, newline, below = text[end:].partition("\n")
    return text[:begin], rest, f"{newline}{below}"


def _quoted(value: str) -> str:
    """As it is where YAML cannot read it otherwise; JSON's quotes are YAML's, too."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
