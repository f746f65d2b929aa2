"""Preparation of the console: database, static files, the administrator, and the connection to the local stack."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from environ import FileAwareEnv
from sesame.utils import get_query_string

from batchconsole.jobs.models import Connection
from batchconsole.up.errors import UpError
from batchconsole.up.options import Options
from batchconsole.up.processes import ACCOUNT_ID, REGION, access_keys

ADMIN = "admin"


def prepare_console(options: Options) -> None:
    """Prepare everything that the console's processes rely on."""
    migrate()
    collect_static()
    admin()
    connect_local_stack(options)
    write_aws_env(options)


def migrate() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def collect_static() -> None:
    """Collect the static files if any has changed since the last time."""
    stamp = Path(settings.STATIC_ROOT) / "collected"
    now = static_fingerprint()
    if not stamp.exists() or stamp.read_text() != now:
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        stamp.write_text(now)


def static_fingerprint() -> str:
    """Return a hash over the name, size and modification time of every static file, without reading them."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def admin() -> User:
    """Return the administrator, created on first start with the password from the environment or an unusable one."""
    user = User.objects.filter(username=ADMIN).first()
    return user or User.objects.create_superuser(ADMIN, password=admin_password())


def admin_password() -> str | None:
    """Return the password for a new administrator. Raises UpError if the password validators reject it."""
    password = FileAwareEnv().str("BATCHCONSOLE_ADMIN_PASSWORD", default="") or None
    if password:
        try:
            validate_password(password, User(username=ADMIN))
        except ValidationError as error:
            raise UpError(
                f"BATCHCONSOLE_ADMIN_PASSWORD is not taken: {' '.join(error.messages)} Choose another, or leave it out "
                "and use the sign-in link."
            ) from error
    return password


def sign_in_link(options: Options) -> str:
    """Return a link that signs the administrator in, once."""
    return link_of(admin(), options.url)


def link_of(user: User, url: str) -> str:
    """Return a link that signs *user* in to the console at *url*, once."""
    return f"{url.rstrip('/')}{reverse('login')}{get_query_string(user)}"


def connect_local_stack(options: Options) -> None:
    """Update the connection `local` for this start: its ports, or disable it without a local stack."""
    if not options.is_local:
        Connection.objects.filter(name="local").update(is_enabled=False)
        return
    of_this_start = {
        "region": REGION,
        "account_id": ACCOUNT_ID,
        "credentials": Connection.Credentials.LOCAL,
        "endpoint_url": options.aws_url,
        "bedrock_endpoint_url": options.bedrock_url,
        "bedrock_runtime_endpoint_url": options.bedrock_url,
        "is_enabled": True,
    }
    Connection.objects.update_or_create(
        name="local", defaults=of_this_start, create_defaults=of_this_start | {"title": "Local stack"}
    )


def aws_env(options: Options) -> dict[str, str]:
    """Return the variables with which any AWS client uses the local stack."""
    return {
        "AWS_ENDPOINT_URL": options.aws_url,
        "AWS_ENDPOINT_URL_BEDROCK": options.bedrock_url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": options.bedrock_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    } | access_keys(options)


def write_aws_env(options: Options) -> None:
    """Write `aws.env` for a shell to source; remove it if there is no local stack."""
    file = options.folder.aws_env
    if not options.is_local:
        file.unlink(missing_ok=True)
        return
    new = file.with_suffix(".new")
    new.write_text("".join(f"export {name}={value}\n" for name, value in aws_env(options).items()))
    new.rename(file)
