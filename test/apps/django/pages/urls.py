from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import path

GREETING = "release one"


def home(request):
    """Greets, and links the style sheet by its name with a hash."""
    return HttpResponse(f'<link rel="stylesheet" href="{static("pages/page.css")}"> {GREETING}')


urlpatterns = [path("", home)]
