"""Settings, all read from environment variables named ``BATCHCONSOLE_*``, or from files named by ``<NAME>_FILE``."""

import os
import sys
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv

from batchconsole.datafolder import DataFolder
from batchconsole.logs import FORMATS, TEXT, quiet_level

NO_SECRET_KEY = "only-for-commands-that-serve-nothing"  # noqa: S105 - wsgi.py and checks.py refuse to serve with it
BASE_DIR = Path(__file__).resolve().parent.parent
env = FileAwareEnv()

DATA_DIR = Path(env.str("BATCHCONSOLE_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DATA_FOLDER = DataFolder(DATA_DIR)
DEBUG = env.bool("BATCHCONSOLE_DEBUG", default=False)
# Endpoints that connections may use besides AWS itself and the local stack: host, host:port or *.domain.
ALLOWED_ENDPOINTS = env.list("BATCHCONSOLE_ALLOWED_ENDPOINTS", default=[])
LOCAL_KEYS = DATA_FOLDER.read_local_keys()
SECRET_KEY = env.str("BATCHCONSOLE_SECRET_KEY", default="") or DATA_FOLDER.read_secret_key() or NO_SECRET_KEY
ALLOWED_HOSTS = env.list("BATCHCONSOLE_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("BATCHCONSOLE_CSRF_TRUSTED_ORIGINS", default=[])

# True behind a proxy that terminates TLS and sets X-Forwarded-Proto.
HTTPS = env.bool("BATCHCONSOLE_HTTPS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Browsers share cookies between all ports of a host. Without the port in their names, a second console on the machine
# would sign people out of the first. With HTTPS, the prefix makes browsers refuse them from any other host or path.
PORT = env.str("BATCHCONSOLE_PORT", default="")
COOKIE_PREFIX, COOKIE_SUFFIX = "__Host-" if HTTPS else "", f"_{PORT}" if PORT else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid{COOKIE_SUFFIX}"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken{COOKIE_SUFFIX}"
MESSAGE_COOKIE_NAME = f"{COOKIE_PREFIX}messages{COOKIE_SUFFIX}"
PREFERENCE_COOKIE_PREFIX = f"{COOKIE_PREFIX}console{COOKIE_SUFFIX}-"
MESSAGE_STORAGE = "batchconsole.console.frame.messages.MessageStorage"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # requested by internal machines without the proxy
SECURE_HSTS_SECONDS = env.int("BATCHCONSOLE_HSTS_SECONDS", default=365 * 24 * 3600) if HTTPS else 0
# Whether a whole domain is added to browsers' HSTS preload lists is its owner's decision, not one program's.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

INSTALLED_APPS = [
    "batchconsole",
    "batchconsole.jobs",
    "batchconsole.console.apps.ConsoleConfig",
    "batchconsole.console.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "crispy_forms",
    "csp",
    "django_filters",
    "django_htmx",
]
MIDDLEWARE = [
    "batchconsole.console.frame.request_id.RequestIdMiddleware",  # before the client's address replaces the proxy's
    "batchconsole.console.frame.client_address.ClientAddressMiddleware",  # before all that read it
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "batchconsole.console.frame.caching.NoStoreMiddleware",  # after static files: hashed names may be cached
    "batchconsole.console.frame.middleware.PageGZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "batchconsole.api.middleware.ProgramsMiddleware",  # before all middleware for pages
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "batchconsole.console.frame.audit.AuditMiddleware",
    "batchconsole.console.frame.session_life.SessionLifeMiddleware",
    "batchconsole.console.frame.session_end.SignInMiddleware",
    "batchconsole.console.frame.access.AccessMiddleware",  # before the body is read
    "batchconsole.console.frame.uploads.UploadMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",  # reads the form, so after all that refuse it unread
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "batchconsole.console.frame.middleware.ConsoleMiddleware",
]
ROOT_URLCONF = "batchconsole.urls"
WSGI_APPLICATION = "batchconsole.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "batchconsole.console.frame.context.frame",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "cloudscape"
CRISPY_TEMPLATE_PACK = "cloudscape"
CRISPY_FAIL_SILENTLY = False

DATABASES = {"default": env.db_url("BATCHCONSOLE_DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'console.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)  # seconds
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("BATCHCONSOLE_REDIS_URL", default=f"unix://{DATA_FOLDER.redis_socket}")

AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "sesame.backends.ModelBackend",
    "django.contrib.auth.backends.ModelBackend",
    "batchconsole.jobs.rights.access.RightsBackend",  # finds no users, so it comes after the backends that do
]
PASSWORD_LENGTH = 12
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_LENGTH},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
CSRF_FAILURE_VIEW = "batchconsole.console.frame.session_end.csrf_failure"
# The limits of one long step of a worker, such as reading an input, an output or a table.
STEP_MEMORY_BYTES = env.int("BATCHCONSOLE_STEP_MEMORY_MIB", default=2048) << 20
STEP_TIME = timedelta(hours=env.float("BATCHCONSOLE_STEP_HOURS", default=12))

# The on-demand lane: how many records of one job are with the model at a time, and the most records of such a job.
ON_DEMAND_AT_ONCE = max(1, env.int("BATCHCONSOLE_ON_DEMAND_AT_ONCE", default=4))
ON_DEMAND_RECORDS = env.int("BATCHCONSOLE_ON_DEMAND_RECORDS", default=5_000)

# The bytes that one person's uploads may have at once, on their way and waiting to be made into input (0: no limit).
UPLOAD_QUOTA_BYTES = env.int("BATCHCONSOLE_UPLOAD_QUOTA_MIB", default=10 << 10) << 20

SENTRY_DSN = env.str("BATCHCONSOLE_SENTRY_DSN", default="")  # empty: no error reports; see telemetry.py
METRICS_TOKEN = env.str("BATCHCONSOLE_METRICS_TOKEN", default="")  # empty: only this machine may read /metrics

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

# The sign-in links of `up` and of `manage.py sign_in_link`.
SESAME_ONE_TIME = True
SESAME_MAX_AGE = 10 * 60  # seconds
IS_UP = bool(env.str("BATCHCONSOLE_RUN", default=""))  # `up` started this process

# Proxies in front of the console, as addresses or networks, that are trusted to report the client's address.
TRUSTED_PROXIES = env.list("BATCHCONSOLE_TRUSTED_PROXIES", default=[])

ACCOUNT_ADAPTER = "batchconsole.console.account.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # addresses come from an administrator or an OpenID provider
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Batch Console] "
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_USERNAME_VALIDATORS = None
# Only failures count. "key" is the combination of an account and a client address (AccountAdapter), so nobody can lock
# a user out from another address; "ip" is a client address, whichever accounts it tries.
WRONG_PASSWORDS, WRONG_PASSWORDS_OF_ADDRESS, LOCKED_MINUTES = 10, 100, 15
ACCOUNT_RATE_LIMITS = {
    "login": "120/m/ip",
    "draft": "200/h/ip",  # forms saved for users who are not signed in, up to 256 KiB each
    "login_failed": f"{WRONG_PASSWORDS}/{LOCKED_MINUTES}m/key,{WRONG_PASSWORDS_OF_ADDRESS}/{LOCKED_MINUTES}m/ip",
}
ACCOUNT_FORMS = {
    "login": "batchconsole.console.account.forms.LoginForm",
    "change_password": "batchconsole.console.account.forms.ChangePasswordForm",
    "set_password": "batchconsole.console.account.forms.SetPasswordForm",
    "reset_password": "batchconsole.console.account.forms.ResetPasswordForm",
    "reset_password_from_key": "batchconsole.console.account.forms.ResetPasswordKeyForm",
    "reauthenticate": "batchconsole.console.account.forms.ReauthenticateForm",
}

ACCOUNT_UNIQUE_EMAIL = False  # nobody signs in with an address
ACCOUNT_REAUTHENTICATION_REQUIRED = True

# The lifetime of a session: without activity, and in total. After CONFIRMED_MINUTES, changes to connections, people and
# keys require the user to authenticate again.
SESSION_IDLE_SECONDS = 60 * env.int("BATCHCONSOLE_SESSION_IDLE_MINUTES", default=12 * 60)
SESSION_COOKIE_AGE = 3600 * env.int("BATCHCONSOLE_SESSION_HOURS", default=14 * 24)
CONFIRMED_MINUTES = env.int("BATCHCONSOLE_CONFIRMED_MINUTES", default=15)
ACCOUNT_REAUTHENTICATION_TIMEOUT = 60 * CONFIRMED_MINUTES

# Multi-factor authentication.
REQUIRE_MFA = env.bool("BATCHCONSOLE_REQUIRE_MFA", default=False)
MFA_ADAPTER = "batchconsole.console.account.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # administrators vouch for addresses
MFA_TOTP_ISSUER = "Batch Console"
MFA_TOTP_TOLERANCE = 1  # the error allowed for a phone's clock, in periods of 30 seconds
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # browsers allow this only for http://localhost
MFA_FORMS = {
    "authenticate": "batchconsole.console.account.factor_forms.AuthenticateForm",
    "reauthenticate": "batchconsole.console.account.factor_forms.ReauthenticateForm",
    "activate_totp": "batchconsole.console.account.factor_forms.ActivateTotpForm",
    "add_webauthn": "batchconsole.console.account.factor_forms.AddKeyForm",
    "edit_webauthn": "batchconsole.console.account.factor_forms.RenameKeyForm",
}

# OpenID Connect: one provider, and the roles of its groups.
OPENID_ISSUER = env.str("BATCHCONSOLE_OPENID_ISSUER", default="").rstrip("/")
OPENID_NAME = env.str("BATCHCONSOLE_OPENID_NAME", default="OpenID Connect")
OPENID_GROUPS_CLAIM = env.str("BATCHCONSOLE_OPENID_GROUPS_CLAIM", default="groups")
OPENID_GROUPS = env.list("BATCHCONSOLE_OPENID_GROUPS", default=[])
SOCIALACCOUNT_ADAPTER = "batchconsole.console.account.provider.ProviderAdapter"
SOCIALACCOUNT_QUERY_EMAIL = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "openid",
                "name": OPENID_NAME,
                "client_id": env.str("BATCHCONSOLE_OPENID_CLIENT_ID", default=""),
                "secret": env.str("BATCHCONSOLE_OPENID_CLIENT_SECRET", default=""),
                "settings": {"server_url": OPENID_ISSUER},
            }
        ]
        if OPENID_ISSUER
        else [],
    }
}

# Mail for password reset links. Without a mail server the console sends none, and its pages say so.
EMAIL_HOST = env.str("BATCHCONSOLE_EMAIL_HOST", default="")
EMAIL_PORT = env.int("BATCHCONSOLE_EMAIL_PORT", default=587)
EMAIL_HOST_USER = env.str("BATCHCONSOLE_EMAIL_USER", default="")
EMAIL_HOST_PASSWORD = env.str("BATCHCONSOLE_EMAIL_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("BATCHCONSOLE_EMAIL_TLS", default=True)
EMAIL_TIMEOUT = 20  # seconds
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("BATCHCONSOLE_EMAIL_FROM", default="batch-console@localhost")

# Notifications: the base URL of links, internal networks that messages may be sent to, and how long they are kept.
PUBLIC_URL = env.str("BATCHCONSOLE_URL", default=f"http://127.0.0.1:{PORT}" if PORT and not HTTPS else "").rstrip("/")
NOTIFICATION_NETWORKS = env.list("BATCHCONSOLE_NOTIFICATION_NETWORKS", default=[])
NOTIFICATION_DAYS = env.int("BATCHCONSOLE_NOTIFICATION_DAYS", default=30)

CACHES = {
    # Limits of sign-in attempts. All web processes count together, and the database is all that they share.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "console_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # Calls of the JSON API and of both SDKs, counted by each process. In the database each call would need two writes,
    # and two simultaneous calls would count as one.
    "calls": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "calls",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
    # Listings of large S3 folders while somebody pages through them, about 2 MB each. The page shows when it was read.
    "s3": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "s3",
        "TIMEOUT": 60,
        "OPTIONS": {"MAX_ENTRIES": 16},
    },
}

# The calls of the JSON API and of the SDKs that one key may make per minute in each web process.
API_CALLS_PER_MINUTE = env.int("BATCHCONSOLE_API_CALLS_PER_MINUTE", default=600)
# The same of the gateway, which also carries the calls of models that scripts make one by one.
GATEWAY_CALLS_PER_MINUTE = env.int("BATCHCONSOLE_GATEWAY_CALLS_PER_MINUTE", default=6000)

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["batchconsole.formats"]
USE_I18N = False  # all texts are English; looking up translations takes time on every page
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("BATCHCONSOLE_STATIC_DIR", default=str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "batchconsole.webfont.WebFontFinder",
]
# Files built from installed packages; shared by all data folders if the Python environment is writable.
BUILT_STATIC = (Path(sys.prefix) / "share" if os.access(sys.prefix, os.W_OK) else DATA_DIR) / "batchconsole"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "batchconsole.staticfiles.HashedStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # pages refer to files only by their hashed names

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# The audit trail: how many days it is kept (0: for ever), and whether each event is also logged as JSON on stdout.
AUDIT_DAYS = env.int("BATCHCONSOLE_AUDIT_DAYS", default=0)
AUDIT_LOG = env.bool("BATCHCONSOLE_AUDIT_LOG", default=False)

# How many days data read from S3 is kept (0: for ever). The first two are for input checks that no job refers to and
# for made inputs, the last two for checks and results of jobs that have ended.
CHECK_DAYS = env.int("BATCHCONSOLE_CHECK_DAYS", default=7)
MADE_INPUT_DAYS = env.int("BATCHCONSOLE_MADE_INPUT_DAYS", default=7)
REPORT_DAYS = env.int("BATCHCONSOLE_REPORT_DAYS", default=0)
RESULT_DAYS = env.int("BATCHCONSOLE_RESULT_DAYS", default=0)
# How many days the runs of schedules and the files of watched folders are kept (0: for ever).
SCHEDULE_DAYS = env.int("BATCHCONSOLE_SCHEDULE_DAYS", default=365)
# How many days OpenAI batches are kept after their end, and files that no batch refers to (0: for ever).
OPENAI_DAYS = env.int("BATCHCONSOLE_OPENAI_DAYS", default=365)

# Logs go to standard error; systemd, a container runtime or `up` stores them. As JSON they tell requests and AWS calls.
LOG_FORMAT = env.str("BATCHCONSOLE_LOG_FORMAT", default=TEXT).lower()
if LOG_FORMAT not in FORMATS:
    raise ImproperlyConfigured(f"BATCHCONSOLE_LOG_FORMAT is {LOG_FORMAT!r}. It is one of: {', '.join(FORMATS)}.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "bare": {"format": "{message}", "style": "{"},
        "text": {
            "()": "batchconsole.logs.TextFormatter",
            "format": "[{asctime}] [{levelname}] {name}: {message}",
            "style": "{",
        },
        "json": {"()": "batchconsole.logs.JsonLines"},
    },
    "filters": {
        "mask": {"()": "batchconsole.masking.MaskingFilter"},
        "context": {"()": "batchconsole.logs.ContextFilter"},
        "trouble": {"()": "batchconsole.trouble_log.TroubleFilter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["trouble", "mask", "context"],
        },
        "audit": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "bare"},
    },
    "root": {"handlers": ["console"], "level": env.str("BATCHCONSOLE_LOG_LEVEL", default="INFO").upper()},
    "loggers": {
        "batchconsole.audit": {"handlers": ["audit"], "level": "INFO", "propagate": False},
        "batchconsole.aws.call_log": {"level": quiet_level(LOG_FORMAT)},
        "batchconsole.console.frame.request_id": {"level": quiet_level(LOG_FORMAT)},
        "apprise": {
            "handlers": [],
            "propagate": False,
        },  # its messages may contain addresses; jobs/notifications captures them
        "fontTools": {"level": "ERROR"},  # warns about each character that the font lacks
        "celery.worker.strategy": {"level": "WARNING"},  # logs "received" every second for the tick
        "celery.app.trace": {"level": "WARNING"},  # logs "succeeded"; a failed task is still logged as an error
    },
}
