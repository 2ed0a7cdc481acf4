"""Settings of the installation: changed by admins, refused with a sentence."""

from __future__ import annotations

from tests.routes.conftest import Browser, words

PAGE = "/settings/installation"


def test_an_admin_changes_how_long_documents_are_kept(admin: Browser) -> None:
    admin.get(PAGE)
    assert "Saved" in words(admin.post(PAGE, {"retention.snapshots_months": "12"}))
    assert 'value="12"' in admin.get(PAGE).text


def test_a_month_that_is_none_is_refused_and_nothing_changes(admin: Browser) -> None:
    admin.get(PAGE)
    assert "from 1 to 120" in words(admin.post(PAGE, {"retention.snapshots_months": "0"}, status=422))
    assert 'value="24"' in admin.get(PAGE).text
