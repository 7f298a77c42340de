"""Files: private from their first moment whatever the umask, whole or not there."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from keytool import files


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_umask")
def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    files.make_folder(folder)
    files.write(folder / "one", b"1", mode=files.PRIVATE)
    files.create(folder / "two", b"2", mode=files.PRIVATE)
    files.write(folder / "three", b"3", mode=files.PUBLIC)
    modes = {path.name: mode(path) for path in folder.iterdir()}
    assert modes == {".gitignore": 0o644, "one": 0o600, "two": 0o600, "three": 0o644}
    assert mode(folder) == 0o700


def test_a_file_is_private_before_anything_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only way in is one open call: it makes a file that was not there, for its owner alone."""
    opened: list[tuple[int, int]] = []
    real = os.open

    def watched(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            opened.append((flags, mode))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", watched)
    files.write(tmp_path / "key", b"secret", mode=files.PRIVATE)
    assert [(bool(flags & os.O_EXCL), mode) for flags, mode in opened] == [(True, 0o600)]


def test_git_leaves_the_folder_out(tmp_path: Path) -> None:
    files.make_folder(tmp_path / "a" / "keys")
    assert (tmp_path / "a" / "keys" / ".gitignore").read_text() == "*\n"


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    files.make_folder(tmp_path)
    assert mode(tmp_path) == 0o755
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_by_create(tmp_path: Path) -> None:
    path = tmp_path / "key"
    files.create(path, b"1", mode=files.PRIVATE)
    with pytest.raises(FileExistsError):
        files.create(path, b"2", mode=files.PRIVATE)
    assert path.read_bytes() == b"1"
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        files.create(tmp_path / "link", b"2", mode=files.PRIVATE)
    assert {found.name for found in tmp_path.iterdir()} == {"key", "link"}


def test_a_private_file_replaces_one_that_others_could_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"1")
    path.chmod(0o644)
    files.write(path, b"2", mode=files.PRIVATE)
    assert (path.read_bytes(), mode(path)) == (b"2", 0o600)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"1")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write(path, b"2", mode=files.PRIVATE)
    assert [(found, found.read_bytes()) for found in tmp_path.iterdir()] == [(path, b"1")]


def test_one_at_a_time_has_the_folder(tmp_path: Path) -> None:
    order: list[str] = []

    def other() -> None:
        with files.locked(tmp_path):
            order.append("other")

    with files.locked(tmp_path):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]
