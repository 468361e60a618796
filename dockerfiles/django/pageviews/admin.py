"""Loaded only with DJANGO_ADMIN=1. Views are a record: they can be looked at, not edited."""

from django.contrib import admin

from .models import PageView


@admin.register(PageView)
class PageViewAdmin(admin.ModelAdmin):
    list_display = ("number", "at", "served_by")
    readonly_fields = ("number", "at", "served_by", "key")

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False
