"""The data folder: where each thing in it lies. Standard library only, for the settings and the set-up read it too."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

SOCKET_PATH_BYTES = 100  # sun_path holds 108 bytes on Linux and 104 on macOS, with a terminating zero


@dataclass(frozen=True)
class DataFolder:
    """The paths below one data folder."""

    path: Path

    @property
    def lock(self) -> Path:
        return self.path / "up.json"

    @property
    def secret_key(self) -> Path:
        return self.path / "secret_key"

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
        """`redis.sock`, or a short path that belongs to this folder when its own would not fit into an address."""
        socket = self.path / "redis.sock"
        if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES:
            return socket
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        # POSIX systems all have /tmp, and its name is short enough for a socket's address, which TMPDIR's need not be.
        # Nor may it be TMPDIR: every process must come to the same path, whatever shell it was started from.
        return Path(f"/tmp/batchconsole-{os.getuid()}-{digest}/redis.sock")  # noqa: S108 - made and checked by prepare()

    def prepare(self) -> None:
        """Make what `up` needs before Django reads its settings; raises OSError when it is not ours to write."""
        for folder in (self.path, self.logs, self.aws, self.bedrock, self.redis):
            folder.mkdir(parents=True, exist_ok=True)
        self.redis_socket.parent.mkdir(mode=0o700, exist_ok=True)
        if self.redis_socket.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"{self.redis_socket.parent} belongs to somebody else")
        if not self.secret_key.exists():
            self._write_secret_key()

    def read_secret_key(self) -> str:
        """The key `up` has made for this folder; empty when it has not been used by `up`."""
        try:
            return self.secret_key.read_text()
        except FileNotFoundError:
            return ""

    def _write_secret_key(self) -> None:
        """Write it under another name first: a half-written key would sign with half the secret for ever."""
        new = self.secret_key.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        new.rename(self.secret_key)
