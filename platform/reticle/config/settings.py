"""The one settings file. Every variable it reads is listed in docs/operators.md."""

from pathlib import Path

from reticle.config import environment as env

BASE_DIR = Path(__file__).resolve().parents[3]
DATA_FOLDER = Path(env.text("RETICLE_DATA", str(BASE_DIR / ".data"))).expanduser().resolve()
_services = env.services(DATA_FOLDER)

DEBUG = env.flag("DEBUG")
PORT = env.number("PORT", 8000, low=1, high=65535)
# Without a configured or embedded database only commands that touch no data can run.
DATABASE_URL = env.text("DATABASE_URL", _services.get("DATABASE_URL", ""))
BROKER_URL = env.text("BROKER_URL", _services.get("BROKER_URL", ""))
SECRET_KEY = env.text("SECRET_KEY", _services.get("SECRET_KEY", ""))
PSEUDONYM_KEY = env.text("PSEUDONYM_KEY", _services.get("PSEUDONYM_KEY", "")).encode()
if not SECRET_KEY:
    # Sessions signed with a random key do not outlive the process: safe, and never guessable.
    from django.core.management.utils import get_random_secret_key

    SECRET_KEY = get_random_secret_key()

DATABASES = {"default": env.database(DATABASE_URL or "postgresql://reticle@127.0.0.1:5432/reticle")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
HTTPS = env.flag("HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600  # a reading day
SESSION_SAVE_EVERY_REQUEST = False
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000

BLOB_FOLDER = DATA_FOLDER / "blobs"
INTAKE_FOLDER = DATA_FOLDER / "intake"
RUN_FOLDER = DATA_FOLDER / "runs"
EXPORT_FOLDER = DATA_FOLDER / "exports"
FRONTEND_FOLDER = BASE_DIR / "frontend" / "dist"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "reticle.accounts",
    "reticle.audit",
    "reticle.images",
    "annotations",
    "training",
    "reticle.simulation",
    "reticle.config",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "reticle.config.urls"
WSGI_APPLICATION = "reticle.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # straight from the packages: nothing to collect
WHITENOISE_ROOT = FRONTEND_FOLDER if FRONTEND_FOLDER.is_dir() else None

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 2**20  # a JSON body: a mask is some 15 KB, a series has many
FILE_UPLOAD_MAX_MEMORY_SIZE = 2**20
DATA_UPLOAD_MAX_NUMBER_FILES = 5000
INTAKE_MAX_BYTES = env.number("INTAKE_MAX_MB", 2048, low=1, high=1_000_000) * 2**20

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["reticle.accounts.session.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "reticle.web.handler.handle",
    # Of so many proxies in front the forwarded address is believed; of none, the connection's own.
    "NUM_PROXIES": env.number("NUM_PROXIES", 0, low=0, high=10),
    "DEFAULT_THROTTLE_RATES": {"login": env.text("LOGIN_RATE", "20/minute")},
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Reticle",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "CampaignState": "annotations.models.Campaign.State",
        "TaskState": "annotations.models.Task.State",
        "AssignmentState": "annotations.models.Assignment.State",
        "ExportState": "annotations.models.Export.State",
        "CampaignKind": "annotations.models.Campaign.Kind",
        "QuestionKind": "annotations.models.Question.Kind",
        "MapKind": "annotations.models.SuggestionMap.Kind",
        "RunState": "training.models.TrainingRun.State",
        "RunKind": "training.models.TrainingRun.Kind",
        "RunStart": "training.models.TrainingRun.Start",
        "ModelState": "training.models.ModelVersion.State",
        "PresetEnum": "annotations.campaigns.PRESETS",
    },
}

CELERY_BROKER_URL = BROKER_URL or None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # rows are the truth, a message is only a wake-up
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "visibility_timeout": 3600,
}
CELERY_TASK_DEFAULT_QUEUE = "short"
CELERY_TASK_ROUTES = {"training.tasks.work": {"queue": "training"}}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
TICK_SECONDS = env.number("TICK_SECONDS", 2, low=1, high=60)
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": seconds, "options": {"expires": 5 * seconds}}
    for name, seconds in {
        "reticle.images.tasks.intake": TICK_SECONDS,
        "annotations.tasks.tick": TICK_SECONDS,
        "training.tasks.tick": TICK_SECONDS,
        "training.tasks.work": TICK_SECONDS,
        "training.tasks.explain": TICK_SECONDS,
        "reticle.audit.tasks.seal": 30,
    }.items()
}

# Training: seconds between heartbeats, and how long a silent worker keeps its claim.
HEARTBEAT_SECONDS = env.number("HEARTBEAT_SECONDS", 10, low=1, high=60)
RUN_LEASE_SECONDS = env.number("RUN_LEASE_SECONDS", 60, low=3, high=3600)
TRAINING_THREADS = env.number("TRAINING_THREADS", 1, low=1, high=256)
TRAINING_PROCESSES = env.number("TRAINING_PROCESSES", 1, low=1, high=64)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {"httpx": {"level": "WARNING"}},
}
