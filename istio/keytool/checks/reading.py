"""Reads files of YAML into documents whose lines are known, and finds what is no manifest at all."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path as FilePath

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from keytool.checks.document import Document, Path
from keytool.checks.finding import Finding


def read_all(files: Iterable[FilePath]) -> tuple[Sequence[Document], Sequence[Finding]]:
    """The documents of all files, and what cannot be read of them."""
    documents: list[Document] = []
    findings: list[Finding] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as exc:
            findings.append(Finding(str(file), 1, f"cannot be read: {exc.strerror}", "name a file of YAML"))
        except UnicodeDecodeError:
            findings.append(Finding(str(file), 1, "is not UTF-8", "save it as UTF-8"))
        else:
            found, wrong = read_settings(str(file), text) if file.suffix == ".properties" else read(str(file), text)
            documents.extend(found)
            findings.extend(wrong)
    return documents, findings


def read(file: str, text: str) -> tuple[Sequence[Document], Sequence[Finding]]:
    """The documents of one text; empty ones, as between two `---`, are left out."""
    try:
        nodes = [node for node in YAML(typ="safe", pure=True).compose_all(text) if node is not None]
        bodies = [body for body in YAML(typ="safe", pure=True).load_all(text) if body is not None]
    except YAMLError as exc:
        return (), [_not_yaml(file, exc)]
    documents: list[Document] = []
    findings: list[Finding] = []
    for node, body in zip((node for node in nodes if not _is_empty(node)), bodies, strict=True):
        if isinstance(body, dict):
            documents.append(Document(file, body, dict(_lines(node, ()))))
        else:
            findings.append(Finding(file, _line(node), "is no object", "begin with apiVersion and kind"))
    if not documents and not findings:
        findings.append(Finding(file, 1, "holds no manifest", "remove the file, or fill it"))
    return documents, findings


def read_settings(file: str, text: str) -> tuple[Sequence[Document], Sequence[Finding]]:
    """Lines of NAME=value, as kustomize makes a ConfigMap of them."""
    lines: dict[Path, int] = {(): 1}
    data: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            data[name.strip()] = value
            lines["data", name.strip()] = number
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}
    return [Document(file, body, lines)], []


def _is_empty(node: Node) -> bool:
    return str(node.tag) == "tag:yaml.org,2002:null"


def _lines(node: Node, path: Path) -> Iterator[tuple[Path, int]]:
    """The line of a member is that of its name: a block of text begins a line below it."""
    if not path:
        yield path, _line(node)
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield (*path, key.value), _line(key)
            yield from _lines(value, (*path, key.value))
    elif isinstance(node, SequenceNode):
        for place, item in enumerate(node.value):
            yield (*path, place), _line(item)
            yield from _lines(item, (*path, place))


def _line(node: Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _not_yaml(file: str, exc: YAMLError) -> Finding:
    if not isinstance(exc, MarkedYAMLError):
        return Finding(file, 1, "is not YAML", "remove characters that cannot be printed")
    line = exc.problem_mark.line + 1 if exc.problem_mark else 1
    problem = str(exc.problem).partition("\n")[0]
    return Finding(file, line, f"is not YAML ({problem})", "put that line right")
