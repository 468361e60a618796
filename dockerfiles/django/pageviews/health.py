"""Is it alive? Is it ready? Neither counts a view."""

import logging
from collections.abc import Callable

from django.db import Error, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

logger = logging.getLogger(__name__)


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/livez":
            return answer(200, status="alive")
        if request.path == "/readyz":
            return check_readiness()
        return self.get_response(request)


class DatabaseDownMiddleware:
    """A database that can't be reached is "come back soon" (503), not "this code is broken" (500)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        if not isinstance(problem, OperationalError | InterfaceError):
            return None
        logger.error("the database is unavailable: %s", str(problem).strip(), extra={"request": request})
        response = render(request, "503.html", status=503)
        response["Retry-After"] = "5"
        response["Cache-Control"] = "no-store"
        return response


def check_readiness() -> HttpResponse:
    """Ready means: the database answers, and its tables are the ones this code was written for."""
    try:
        missing = find_missing_migrations()
    except Error as problem:
        # The reason names hosts and users, so it goes to the log and not to whoever asks.
        logger.warning("not ready: %s", str(problem).strip())
        return answer(503, status="unready", database="unreachable")
    if missing:
        logger.warning("not ready: migrations missing: %s", ", ".join(missing))
        return answer(503, status="unready", database="reachable", migrations_missing=missing)
    return answer(200, status="ready", database="reachable")


def find_missing_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def answer(code: int, **fields: object) -> HttpResponse:
    return JsonResponse(fields, status=code, headers={"Cache-Control": "no-store"})
