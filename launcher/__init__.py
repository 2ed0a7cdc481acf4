"""What stands around the app: set-up, the private Redis, the supervisor, the demo, the tests.

It runs before anything is installed, so it uses Python's own library only and imports nothing of `app`.
"""
