import os

SECRET_KEY = os.environ.get("SECRET_KEY", "only for the build")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "pages.urls"
WSGI_APPLICATION = "pages.wsgi.application"
INSTALLED_APPS = ["django.contrib.staticfiles", "pages"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
STATIC_URL = "/static/"
STATIC_ROOT = "/app/static-collected"
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
