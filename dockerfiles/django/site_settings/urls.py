from django.conf import settings
from django.urls import path

from pageviews.views import show_page

urlpatterns = [path("", show_page, name="page")]

if settings.ADMIN:
    from django.contrib import admin

    urlpatterns.append(path("admin/", admin.site.urls))
