"""All settings, from the environment. Safe without any: only DJANGO_DEVELOPMENT=1 makes a difference for the worse.

docs/cluster.md lists the variables.
"""

from pathlib import Path

from django.core.management.utils import get_random_secret_key

from . import environment

BASE_DIR = Path(__file__).resolve().parent.parent

# A laptop: sqlite, debug pages, the development server. Never set it where others can reach the app.
DEVELOPMENT = environment.switch("DJANGO_DEVELOPMENT")
ADMIN = environment.switch("DJANGO_ADMIN")
# What visitors type. With https, something in front of the cluster ends TLS, and nginx tells us so.
TLS = environment.choice("PUBLIC_SCHEME", ("http", "https")) == "https"

DEBUG = DEVELOPMENT
SECRET_KEY = get_random_secret_key() if DEVELOPMENT else environment.secret("DJANGO_SECRET_KEY")
ALLOWED_HOSTS = environment.words("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("DJANGO_CSRF_TRUSTED_ORIGINS")

ADMIN_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]
ADMIN_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
INSTALLED_APPS = [
    *(ADMIN_APPS if ADMIN else []),
    "django.contrib.staticfiles",
    "pageviews",
]
MIDDLEWARE = [
    # First: probes come without a public Host and over plain HTTP, so they must meet neither check.
    "pageviews.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    *(ADMIN_MIDDLEWARE if ADMIN else []),
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "pageviews.health.DatabaseDownMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                *(
                    ["django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]
                    if ADMIN
                    else []
                ),
            ]
        },
    }
]
ROOT_URLCONF = "site_settings.urls"
WSGI_APPLICATION = "site_settings.wsgi.application"

SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": BASE_DIR / "development.sqlite3",
    # Takes the write lock when a transaction begins, so that two counts can't start from the same number.
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
}


def postgres() -> dict:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": environment.text("DB_HOST", "db"),
        "PORT": environment.text("DB_PORT", "5432"),
        "NAME": environment.text("DB_NAME", "pageviews"),
        "USER": environment.text("DB_USER", "pageviews"),
        "PASSWORD": environment.secret("DB_PASSWORD"),
        "CONN_MAX_AGE": environment.number("DB_CONN_MAX_AGE", 600),
        # A connection that outlived a restart of the database is replaced instead of answering with a 500.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 3,
            "application_name": "web",
            "sslmode": environment.text("DB_SSLMODE", "prefer"),
            # A database host that vanished without a word is noticed after seconds, not after minutes.
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            "options": "-c statement_timeout=10000 -c lock_timeout=8000 -c idle_in_transaction_session_timeout=10000",
        },
    }


DATABASES = {"default": SQLITE if DEVELOPMENT else postgres()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Names carry a hash of the content and are made at build, so a file served for a year is never stale.
STATIC_URL = "static/"
STATIC_ROOT = Path(environment.text("DJANGO_STATIC_ROOT", str(BASE_DIR / "static-collected")))
STORAGES = {
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEVELOPMENT
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    }
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_HTTPONLY = True
if TLS:
    # Sound because nginx overwrites this header on every request; nothing else reaches the app.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = environment.number("DJANGO_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "site_settings.json_lines.JsonLines"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
    "root": {"handlers": ["stdout"], "level": environment.text("LOG_LEVEL", "INFO").upper()},
    # Django's own handler would say everything a second time on a laptop, and mail it elsewhere.
    "loggers": {"django": {"handlers": [], "propagate": True}, "django.server": {"handlers": [], "propagate": True}},
}
