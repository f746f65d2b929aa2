"""The command-line options of `up`."""

from dataclasses import dataclass

from batchconsole.datafolder import DataFolder

ECHO = "echo"
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - every interface, and where this machine reaches itself


@dataclass(frozen=True, kw_only=True)
class Options:
    """The parsed options of the command line; the ports are checked when `up` begins, the model when it is parsed."""

    folder: DataFolder
    host: str
    port: int
    aws_port: int
    bedrock_port: int
    model: str
    workers: int
    is_local: bool
    has_sample: bool

    @property
    def url(self) -> str:
        """The console's URL for a browser on this machine."""
        host = WILDCARDS.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @property
    def aws_url(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def bedrock_url(self) -> str:
        return f"http://127.0.0.1:{self.bedrock_port}"
