"""The folder of the keys: what its files are called, who may read them, and how they are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keytool import configmap, files, jwks, state
from keytool.errors import FolderRefused, KeyExists
from keytool.jwks import Entries
from keytool.keys import Jwk, public_pem
from keytool.state import State


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """Private: the keys, the token. Public: the other ones. Every write is whole, and safe to repeat."""

    path: Path

    @property
    def private_key(self) -> Path:
        """What signs."""
        return self.path / "private-key.pem"

    @property
    def next_private_key(self) -> Path:
        """What a rotation has published, and what does not sign yet."""
        return self.path / "next-private-key.pem"

    @property
    def public_key(self) -> Path:
        return self.path / "public-key.pem"

    @property
    def jwks(self) -> Path:
        """All keys whose tokens hold."""
        return self.path / "jwks.json"

    @property
    def configmap(self) -> Path:
        """The same for the service in the cluster."""
        return self.path / "jwks-configmap.yaml"

    @property
    def token(self) -> Path:
        return self.path / "token"

    @property
    def state(self) -> Path:
        return self.path / "state.json"

    @contextmanager
    def opened(self, *, create: bool = False) -> Iterator[None]:
        """Holds the folder for oneself. Raises FolderRefused if there is none, or for any file that fails."""
        try:
            if create:
                files.make_folder(self.path)
            with files.locked(self.path):
                yield
        except FileNotFoundError as exc:
            raise FolderRefused(Path(exc.filename), "is not there: make keys with generate_keys_and_token.py") from exc
        except OSError as exc:
            raise FolderRefused(Path(exc.filename or self.path), f"cannot be used: {exc.strerror}") from exc

    def published(self) -> Entries:
        """The keys in jwks.json, none if it is not there. Raises FolderRefused."""
        try:
            return jwks.read(self.jwks.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ()
        except ValueError as exc:
            raise FolderRefused(self.jwks, f"is no JWKS ({exc}): restore it, or remove it") from None

    def publish(self, entries: Entries) -> None:
        """For verifiers that read the file, and for those in the cluster."""
        files.write(self.configmap, configmap.write(entries).encode(), mode=files.PUBLIC)
        files.write(self.jwks, f"{jwks.write(entries)}\n".encode(), mode=files.PUBLIC)

    def write_public_key(self, jwk: Jwk) -> None:
        files.write(self.public_key, public_pem(jwk), mode=files.PUBLIC)

    def check_free(self, *, force: bool) -> None:
        """Raises KeyExists, unless forced, if there is a private key."""
        if self.private_key.exists() and not force:
            raise KeyExists(self.private_key)

    def check_has_key(self) -> None:
        """Raises FolderRefused if there is no private key."""
        if not self.private_key.exists():
            raise FolderRefused(
                self.private_key, "is not there: make keys with generate_keys_and_token.py, or give your own with --key"
            )

    def write_private_key(self, pem: bytes, *, replace: bool) -> None:
        """Raises KeyExists, unless `replace`, if there is one."""
        if replace:
            files.write(self.private_key, pem, mode=files.PRIVATE)
            return
        try:
            files.create(self.private_key, pem, mode=files.PRIVATE)
        except FileExistsError:
            raise KeyExists(self.private_key) from None

    def check_no_next_key(self) -> None:
        """Raises FolderRefused if an interrupted rotation has left a key."""
        if self.next_private_key.exists():
            raise FolderRefused(
                self.next_private_key, "is there from an interrupted add: finish it without --key, or remove the file"
            )

    def write_next_private_key(self, pem: bytes) -> None:
        """Keeps the same for one that an interrupted step has left."""
        files.write(self.next_private_key, pem, mode=files.PRIVATE)

    def sign_with_next(self) -> None:
        """The next private key becomes the one that signs, and the old one is no more; nothing if that was done."""
        if self.next_private_key.exists():
            files.move(self.next_private_key, self.private_key)

    def forget_rotation(self) -> None:
        """All keys are new: no other one is to come."""
        self.next_private_key.unlink(missing_ok=True)
        self.write_state(State())

    def write_token(self, token: str) -> None:
        files.write(self.token, token.encode(), mode=files.PRIVATE)

    def read_state(self) -> State:
        """Nothing is known where the file is not there. Raises FolderRefused."""
        try:
            return state.read(self.state.read_bytes())
        except FileNotFoundError:
            return State()
        except ValueError:
            raise FolderRefused(self.state, "is damaged: restore it, or remove it to forget a rotation") from None

    def write_state(self, new: State) -> None:
        files.write(self.state, state.write(new), mode=files.PRIVATE)
