"""The folder of the keys: what is never overwritten, and which failures are told how."""

from pathlib import Path

import pytest

from keytool.errors import FolderRefused, KeyExists
from keytool.folder import KeyFolder
from keytool.state import State


def test_a_private_key_that_somebody_made_meanwhile_is_kept(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.check_free(force=False)
    folder.write_private_key(b"first", replace=False)
    with pytest.raises(KeyExists, match="is there already and is kept"):
        folder.write_private_key(b"second", replace=False)
    assert folder.private_key.read_bytes() == b"first"
    folder.write_private_key(b"second", replace=True)
    assert folder.private_key.read_bytes() == b"second"


def test_nothing_is_known_of_a_new_folder(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    assert (folder.published(), folder.read_state()) == ((), State())


def test_damaged_files_are_named(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.state.write_text("{")
    folder.jwks.write_bytes(b"\xff")
    with pytest.raises(FolderRefused, match=r"state\.json is damaged: restore it"):
        folder.read_state()
    with pytest.raises(FolderRefused, match=r"jwks\.json is no JWKS"):
        folder.published()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(FolderRefused, match="cannot be used"), KeyFolder(tmp_path / "keys").opened(create=True):
        pass
