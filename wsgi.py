"""The entry point for WSGI servers: `gunicorn wsgi:app`."""

from app.factory import create_app
from app.settings import Settings

app = create_app(Settings.from_environment())
