"""The entry point for WSGI servers: `gunicorn wsgi:app`."""

import gc

from app.factory import create_app
from app.settings import Settings

app = create_app(Settings.from_environment())
gc.collect()
gc.freeze()  # else every page that reads thousands of rows has the collector go through all that stays anyway
