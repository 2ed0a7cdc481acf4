"""A valid access token for every call, refreshed by one process at a time and stored before it is used."""

from __future__ import annotations

import datetime as dt

from app.connectors.http import Http, NoAnswerError, NotSentError, UnreadableAnswerError
from app.connectors.protocols import ConnectionFailedError
from app.connectors.quickbooks_online import oauth
from app.connectors.quickbooks_online.settings import App
from app.connectors.tokens import Tokens, TokenStore

#: With less than this left the token is refreshed before the call.
LEEWAY = dt.timedelta(minutes=2)


class Access:
    """The tokens of one Book, kept fresh."""

    def __init__(self, app: App, http: Http, store: TokenStore) -> None:
        self._app = app
        self._http = http
        self._store = store

    def token(self, refused: str = "") -> str:
        """An access token; not the one that QuickBooks has just ``refused``.

        Raises ConnectionFailedError; never NoAnswerError, because the call that needs the token has not been made.
        """
        tokens = self._store.load()
        if _usable(tokens, refused):
            return tokens.access
        try:
            return self._refreshed(refused).access
        except (NoAnswerError, UnreadableAnswerError) as error:
            raise NotSentError(error.message, error.remedy, code="token_not_refreshed") from None

    def _refreshed(self, refused: str) -> Tokens:
        """Refresh unless another process has just done it; two refreshes with one token can kill the connection."""
        with self._store.alone() as mine:
            tokens = self._store.load()
            if _usable(tokens, refused):
                return tokens
            if not mine:
                raise NotSentError(
                    "Another process was renewing the access to QuickBooks and did not succeed.",
                    "It is tried again by itself.",
                    code="token_not_refreshed",
                )
            try:
                fresh = oauth.refresh(self._app, self._http, tokens)
            except oauth.GrantRefusedError as error:
                return self._second_look(tokens, error)
            self._store.save(fresh)
            return fresh

    def revoke(self) -> None:
        """End the consent at Intuit. Raises ConnectionFailedError."""
        oauth.revoke(self._app, self._http, self._store.load())

    def _second_look(self, used: Tokens, error: ConnectionFailedError) -> Tokens:
        """A refused refresh may only mean that somebody else was first."""
        stored = self._store.load()
        if stored.refresh != used.refresh or stored.access != used.access:
            return stored
        self._store.mark_broken(error.message)
        raise error


def _usable(tokens: Tokens, refused: str) -> bool:
    return tokens.access != refused and tokens.access_until - dt.datetime.now(dt.UTC) > LEEWAY
