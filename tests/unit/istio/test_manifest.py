"""request-auth.yaml: issuer and keys are written, and all the rest stays byte for byte."""

import stat
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from keytool import manifest
from keytool.errors import ManifestRefused
from keytool.paths import MANIFEST

ISSUER = "https://login.example/realms/one"
KEYS = [{"kid": "1", "n": "a"}, {"kid": "2", "n": "b"}]
BLOCK = """|-
      {"keys": [
        {"kid": "1", "n": "a"},
        {"kid": "2", "n": "b"}
      ]}"""

TEMPLATE = """\
# top
kind: RequestAuthentication
spec:
  jwtRules:
  # about the rule
  - issuer: ISSUER-VALUE  # who signs
    audiences: ["user-service"]
    jwks: JWKS-VALUE
    # below the keys
    forwardOriginalToken:   true
"""


def text(issuer: str = "https://issuer.example.com", jwks: str = "NO-KEYS-YET") -> str:
    return TEMPLATE.replace("ISSUER-VALUE", issuer).replace("JWKS-VALUE", jwks)


def filled(content: str, issuer: str = ISSUER) -> str:
    return manifest.filled(Path("request-auth.yaml"), content, issuer, KEYS)


def test_the_shipped_manifest_has_no_keys_and_can_be_filled(tmp_path: Path) -> None:
    assert manifest.read(MANIFEST).keys == ()
    copy = tmp_path / "request-auth.yaml"
    copy.write_bytes(MANIFEST.read_bytes())
    assert manifest.write(copy, ISSUER, KEYS)
    found = manifest.read(copy)
    assert (found.issuer, found.audiences, list(found.keys)) == (ISSUER, ("user-service",), KEYS)


def test_of_the_shipped_manifest_only_the_two_values_change(tmp_path: Path) -> None:
    copy = tmp_path / "request-auth.yaml"
    copy.write_bytes(MANIFEST.read_bytes())
    manifest.write(copy, ISSUER, KEYS)
    before, after = MANIFEST.read_text().splitlines(), copy.read_text().splitlines()
    gone = [line.strip() for line in before if line not in after]
    come = [line.strip() for line in after if line not in before]
    assert gone == ["- issuer: https://issuer.example.com", "jwks: NO-KEYS-YET"]
    assert come == [
        f"- issuer: {ISSUER}",
        "jwks: |-",
        '{"keys": [',
        '{"kid": "1", "n": "a"},',
        '{"kid": "2", "n": "b"}',
        "]}",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("NO-KEYS-YET", BLOCK),
        ("NO-KEYS-YET  # run the script", BLOCK.replace("|-", "|-  # run the script", 1)),
        ("''", BLOCK),
        ('"{}"', BLOCK),
        ("'{\"keys\":\n      []}'", BLOCK),
        ('{"keys": []}', None),
        ('|\n      {"keys": []}', BLOCK),
        ('|  # by hand\n      {"keys":\n\n       []}', BLOCK.replace("|-", "|  # by hand", 1).replace("|  #", "|-  #")),
        (">-\n      {\n      }", BLOCK),
    ],
)
def test_however_the_keys_were_written(before: str, after: str | None) -> None:
    if after is None:
        with pytest.raises(ManifestRefused, match=r"has no text in spec\.jwtRules\[0\]\.jwks"):
            filled(text(jwks=before))
    else:
        assert filled(text(jwks=before)) == text(ISSUER, after)


@pytest.mark.parametrize("jwks", ["NO-KEYS-YET", "''", "|\n      {}\n"])
def test_writing_again_changes_nothing(jwks: str) -> None:
    once = filled(text(jwks=jwks))
    assert filled(once) == once


@pytest.mark.parametrize(
    "issuer",
    ["https://x.example/~a/", "name: with colon", "# no comment", "true", "12", 'say "hi"', "ünï", "a\\b", "'"],
)
def test_any_issuer_is_written_so_that_it_is_read(issuer: str, tmp_path: Path) -> None:
    path = tmp_path / "request-auth.yaml"
    path.write_text(text(), encoding="utf-8")
    manifest.write(path, issuer, KEYS)
    assert manifest.read(path).issuer == issuer
    assert YAML(typ="safe").load(path)["spec"]["jwtRules"][0]["issuer"] == issuer
    assert "# who signs" in path.read_text(encoding="utf-8")


def test_other_documents_in_the_file_stay() -> None:
    other = "kind: Gateway # one\nspec: {a:   1}\n"
    assert filled(f"{other}---\n{text()}---\n{other}") == f"{other}---\n{text(ISSUER, BLOCK)}---\n{other}"


def test_the_file_keeps_its_mode_and_is_left_alone_if_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "request-auth.yaml"
    path.write_text(text())
    path.chmod(0o640)
    assert manifest.write(path, ISSUER, KEYS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    written = path.stat()
    assert not manifest.write(path, ISSUER, KEYS)
    assert path.stat() == written


def test_a_link_to_the_manifest_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(text())
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    assert manifest.write(tmp_path / "link.yaml", ISSUER, KEYS)
    assert (tmp_path / "link.yaml").is_symlink()
    assert manifest.read(tmp_path / "real.yaml").issuer == ISSUER


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "holds 0 RequestAuthentications"),
        ("kind: Gateway\n", "holds 0 RequestAuthentications"),
        (f"{text()}---\n{text()}", "holds 2 RequestAuthentications"),
        ("a: [", "is no YAML"),
        ("kind: RequestAuthentication\n", "exactly one rule"),
        ("kind: RequestAuthentication\nspec: {jwtRules: []}\n", "exactly one rule"),
        (text() + "  - issuer: another\n", "exactly one rule"),
        ("kind: RequestAuthentication\nspec:\n  jwtRules:\n  - {issuer: a, jwks: b}\n", "in braces"),
        (text(jwks="x\n    jwksUri: https://issuer.example/keys"), "has a jwksUri"),
        (text().replace("    jwks: NO-KEYS-YET\n", ""), r"put the line `jwks: FILL-IN` there"),
        (text(jwks=""), r"put the line `jwks: FILL-IN` there"),
        (text(jwks="# nothing"), r"put the line `jwks: FILL-IN` there"),
        (text(jwks="&keys NO-KEYS-YET"), "has an anchor"),
        (text(issuer="[]"), r"put the line `issuer: FILL-IN` there"),
    ],
)
def test_what_cannot_be_filled_is_refused(content: str, reason: str) -> None:
    with pytest.raises(ManifestRefused, match=reason):
        filled(content)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ManifestRefused, match="cannot be read: No such file"):
        manifest.read(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ManifestRefused, match="no text in UTF-8"):
        manifest.read(tmp_path / "latin.yaml")
