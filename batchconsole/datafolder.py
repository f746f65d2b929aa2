"""The layout of the data folder. Standard library only, because the settings and the set-up import it too."""

import base64
import hashlib
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

OWNER_ONLY = 0o700
SOCKET_PATH_BYTES = 100  # sun_path holds 108 bytes on Linux and 104 on macOS, including the terminating zero


@dataclass(frozen=True)
class DataFolder:
    """The paths inside one data folder."""

    path: Path

    @property
    def lock(self) -> Path:
        return self.path / "up.json"

    @property
    def secret_key(self) -> Path:
        return self.path / "secret_key"

    @property
    def local_keys(self) -> Path:
        return self.path / "local_keys"

    @property
    def aws_env(self) -> Path:
        return self.path / "aws.env"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def aws(self) -> Path:
        return self.path / "aws"

    @property
    def bedrock(self) -> Path:
        return self.path / "bedrock"

    @property
    def redis(self) -> Path:
        return self.path / "redis"

    @property
    def redis_socket(self) -> Path:
        """Return `redis.sock` in this folder, or a short path unique to it if that is too long for a socket address."""
        socket = self.path / "redis.sock"
        if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES:
            return socket
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        # Every POSIX system has /tmp, and its path is short enough for a socket address. TMPDIR may be too long and may
        # differ between shells, but every process has to compute the same path.
        return Path(f"/tmp/batchconsole-{os.getuid()}-{digest}/redis.sock")  # noqa: S108 - prepare() creates and checks it

    def prepare(self) -> None:
        """Create what `up` needs before Django reads its settings. Raises OSError if the folder is unsafe or read-only.

        Anyone who can read the database or the key can sign in as any user, so only its owner may enter the folder.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._close_to_others()
        for folder in (self.logs, self.aws, self.bedrock, self.redis):
            folder.mkdir(exist_ok=True)
        self.redis_socket.parent.mkdir(mode=OWNER_ONLY, exist_ok=True)
        require_private(self.redis_socket.parent)
        for file, content in ((self.secret_key, secrets.token_urlsafe(64)), (self.local_keys, make_access_keys())):
            if not file.exists():
                write_secret(file, content)

    def _close_to_others(self) -> None:
        """Remove other users' permissions on the folder, but only if it is empty or holds our data.

        Raises PermissionError if the folder is still open to other users, or belongs to another user.
        """
        is_ours = self.secret_key.exists() or self.lock.exists() or not any(self.path.iterdir())
        if is_ours and is_open(self.path) and self.path.stat().st_uid == os.getuid():
            self.path.chmod(OWNER_ONLY)
        require_private(self.path)

    def read_secret_key(self) -> str:
        """Return the secret key that `up` created in this folder, or an empty string if there is none."""
        try:
            return self.secret_key.read_text()
        except FileNotFoundError:
            return ""

    def read_local_endpoints(self) -> frozenset[str]:
        """Return the host and port of each local service, as written by the last start of `up`."""
        try:
            lines = self.aws_env.read_text().splitlines()
        except FileNotFoundError:
            return frozenset()
        return frozenset(line.partition("://")[2] for line in lines if line.startswith("export AWS_ENDPOINT_URL"))

    def read_local_keys(self) -> tuple[str, str]:
        """Return the access key and secret of the local stack's root; both are ``test`` if `up` has created none."""
        try:
            access_key, secret_key = self.local_keys.read_text().split()
        except FileNotFoundError:
            return "test", "test"
        return access_key, secret_key


def make_access_keys() -> str:
    """Return a new access key and its secret, separated by a space, in the length and alphabet that AWS uses."""
    return f"AKIA{base64.b32encode(secrets.token_bytes(10)).decode()} {secrets.token_hex(20)}"


def write_secret(file: Path, content: str) -> None:
    """Write *content* to *file* atomically: a half-written key would stay in use for ever."""
    new = file.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(content)
    new.rename(file)


def require_private(folder: Path) -> None:
    """Raise PermissionError unless *folder* belongs to this user and is closed to others; root may use any owner's."""
    if folder.stat().st_uid != os.getuid() and os.getuid() != 0:
        raise PermissionError(f"{folder} belongs to another user. Choose a folder of your own with --data-dir.")
    if is_open(folder):
        raise PermissionError(
            f"{folder} is open to other users of this machine (mode {stat.S_IMODE(folder.stat().st_mode):o}), and it "
            f"is to hold secrets. Close it with `chmod 700 {folder}`, or choose another folder with --data-dir."
        )


def is_open(folder: Path) -> bool:
    """Whether anyone but its owner has a permission on *folder*."""
    return bool(folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
