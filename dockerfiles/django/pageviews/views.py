import socket
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .models import PageView

SERVED_BY = socket.gethostname()[:64]


@never_cache
@require_safe
def show_page(request: HttpRequest) -> HttpResponse:
    """Records a view and shows the count. HEAD asks about the page without looking at it, so it isn't a view."""
    if request.method == "HEAD":
        count = PageView.objects.total()
    else:
        count = PageView.objects.record(SERVED_BY, read_key(request)).number
    response = render(request, "pageviews/page.html", {"count": count, "served_by": SERVED_BY})
    response["X-Page-Views"] = str(count)
    response["X-Served-By"] = SERVED_BY
    return response


def read_key(request: HttpRequest) -> UUID | None:
    """nginx draws one per request and sends the same one again when it retries; visitors can't set it."""
    try:
        return UUID(hex=request.headers.get("X-Attempt-Key", ""))
    except ValueError:
        return None
