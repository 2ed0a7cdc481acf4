"""Makes pictures of the pages from a running demo: `.venv/bin/python docs/screenshots.py [--port N] [--all]`.

Beside `./crossfoot demo` it logs in, lets the PSA's stand-in close invoices, posts them in the browser as a bookkeeper
would, and takes the README's pictures on the way. With `--all` every page follows, whole, at three widths, light and
dark, into `docs/screenshots/all/`, which is not committed. Playwright is installed by `./crossfoot test`, which also
says how to get a Chromium.
"""

import argparse
import datetime as dt
import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from launcher.demo_parts import EMAIL  # noqa: E402 - the launcher is found only now
from launcher.machine import find_browser  # noqa: E402 - as above

PICTURES = ROOT / "docs" / "screenshots"
WIDTH, HEIGHT = 1440, 900
INVOICES = 48
#: How wide and how bright the pictures of all pages are.
LOOKS = ((360, True), (1440, False), (1440, True), (2560, False))
#: Every page that stands at a fixed address.
FIXED = {
    "dashboard": "/", "selection": "/run/invoices", "expenses": "/run/expenses", "inventory": "/run/inventory",
    "payments": "/run/payments", "batches": "/batches", "attention": "/attention", "letters": "/mail/1",
    "first-day": "/first-day/1", "online-payments": "/online-payments/1",
    "reconcile": "/reconcile/1", "drift": "/reconcile/1/drift",
    "connections": "/settings/connections", "connectwise": "/settings/connections/connectwise?source=1",
    "intuit": "/settings/connections/intuit", "companies": "/settings/books", "company": "/settings/books/1",
    "mail": "/settings/mail", "notifications": "/settings/notifications",
    "users": "/settings/users", "installation": "/settings/installation",
    "everything": "/run/everything/1", "autosync": "/settings/books/1/autosync",
    "email": "/settings/books/1/email", "payment-settings": "/settings/books/1/payments",
    "sessions": "/settings/sessions", "user": "/settings/users/1", "two-factor": "/me/two-factor",
    "audit": "/settings/audit", "me": "/me", "keys": "/help/keys", "workers": "/help/workers", "logout": "/logout",
    "forgot": "/forgot", "forget": "/settings/books/1/forget", "updates": "/mappings/1/customers/updates",
    "month": f"/reconcile/1/month/{dt.datetime.now(dt.UTC):%Y-%m}", "why": "/run/invoices/why?number=10404",
    "not-found": "/no-such-page",
    **{f"mappings-{kind}": f"/mappings/1/{kind}" for kind in (
        "customers", "vendors", "members", "items", "accounts", "tax_codes", "terms", "classes", "locations")},
    **{f"settings-{tab}": f"/settings/books/1/{tab}" for tab in (
        "sales", "purchases", "inventory", "contacts", "taxes", "categories", "reconcile", "modules")},
}  # fmt: skip
#: Of reading the PSA, checking every invoice and posting them.
MOST_MILLISECONDS = 180_000


def main() -> int:
    """Take every picture; 2 where the demo or a browser is missing."""
    parser = argparse.ArgumentParser(description="Make the README's pictures from a running demo.")
    parser.add_argument("--port", type=int, default=8000, help="of the running demo (8000)")
    parser.add_argument("--all", action="store_true", help="also every page, at three widths, light and dark")
    wanted = parser.parse_args()
    notes, chromium = ROOT / "instance-demo" / "demo.json", find_browser()
    if not notes.exists() or not chromium:
        missing = "a Chromium" if notes.exists() else "a running ./crossfoot demo"
        sys.stderr.write(f"There is no {missing} to take pictures with.\n")
        return 2
    demo = json.loads(notes.read_text())
    _close_invoices(demo["psa_port"])
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--hide-scrollbars"])
        base = f"http://localhost:{wanted.port}"
        batch = _take_some(browser, base, demo["password"])
        if wanted.all:
            _take_every_page(browser, base, demo["password"], batch)
        browser.close()
    return 0


def _close_invoices(psa_port: int) -> None:
    """New work for the selection page; the address is one that only the stand-in has."""
    body = json.dumps({"count": INVOICES}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{psa_port}/_close", body, {"Content-Type": "application/json"})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60).close()


def _take_some(browser: Browser, base: str, password: str) -> str:
    """The README's pictures; answers the address of the batch that was posted for them."""
    with _page(browser, base, password) as page:
        _select(page, base)
        _take(page, "selection")
        batch = _post(page)
        _take(page, "batch")
        page.goto(f"{base}/settings/connections")
        _take(page, "connections")
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Mappings").click()
        page.get_by_role("link", name="GL accounts").click()
        _take(page, "mappings")
    with _page(browser, base, password, dark=True) as page:
        page.goto(batch)
        _take(page, "batch-dark")
    return batch


def _take_every_page(browser: Browser, base: str, password: str, batch: str) -> None:
    for width, dark in LOOKS:
        look = f"{width}{'-dark' if dark else ''}"
        with _page(browser, base, password, dark=dark, width=width) as page:
            for name, path in {**FIXED, **_of_batch(page, base, batch)}.items():
                page.goto(base + path)
                _take(page, f"all/{name}-{look}", whole=True)
            _questions(page, base, look)
            page.context.clear_cookies()
            page.goto(f"{base}/login")
            _take(page, f"all/login-{look}", whole=True)


def _of_batch(page: Page, base: str, batch: str) -> dict[str, str]:
    """Pages whose address depends on what the demo holds: records, their questions, the drawers."""
    own = batch.removeprefix(base)
    found: dict[str, str] = {"batch": own, "batch-undo": f"{own}/undo", "batch-rerun": f"{own}/rerun"}
    page.goto(batch)
    _first(page, found, "proof", "#rows tbody a[href^='/records/']")
    if "proof" in found:
        found["undo"] = found["proof"].split("?")[0] + "/undo"
    page.goto(f"{base}/attention")
    _first(page, found, "problem", ".cf-prob a[data-fix]")
    _first(page, found, "question", ".cf-prob a[href^='/records/']")
    page.goto(f"{base}/run/invoices")
    _first(page, found, "preview", "tbody a[href^='/records/']")
    if "preview" in found:
        found["hold"] = found["preview"].split("?")[0] + "/hold"
    page.goto(f"{base}/mappings/1/accounts")
    _first(page, found, "link", "tbody a[href*='/link']")
    return {name: path for name, path in found.items() if path}


def _first(page: Page, found: dict[str, str], name: str, selector: str) -> None:
    """The address of the first such link, where there is one."""
    links = page.locator(selector)
    if links.count():
        found[name] = links.first.get_attribute("href") or ""


def _questions(page: Page, base: str, look: str) -> None:
    """What stands between a button and a deed; a dry run, which writes nothing, is carried out."""
    for name, value in (("confirm", "submit"), ("clear", "clear"), ("dry-run", "dry")):
        page.goto(f"{base}/run/invoices")
        page.locator("button[value=match]").first.click()
        page.wait_for_load_state("networkidle")
        asked = page.locator(f"button[name=action][value={value}]")
        if asked.count():
            with page.expect_navigation():
                asked.first.evaluate("(button) => button.click()")
            if name == "dry-run":
                expect(page.locator("#head")).to_contain_text("Completed")
            _take(page, f"all/{name}-{look}", whole=True)


@contextmanager
def _page(
    browser: Browser, base: str, password: str, *, dark: bool = False, width: int = WIDTH
) -> Iterator[Page]:  # fmt: skip
    """A page of somebody who is logged in; its colours are the system's, which here we are."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(MOST_MILLISECONDS)
    expect.set_options(timeout=MOST_MILLISECONDS)
    page = context.new_page()
    page.goto(f"{base}/login")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{base}/")
    yield page
    context.close()


def _select(page: Page, base: str) -> None:
    """Read the PSA, wait until every invoice has been looked at, and tick all that the list shows."""
    page.goto(f"{base}/run/invoices")
    page.get_by_role("button", name="Refresh").click()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#checked")).to_have_text(re.compile(r"Checked (\d+) of \1$"))
    page.locator("button[value=match]").click()
    expect(page.locator("#bar .btn-primary")).to_be_enabled()
    page.evaluate("document.activeElement?.blur()")


def _post(page: Page) -> str:
    """Submit, accept what Submit names, wait for the end; returns the batch's address."""
    page.locator("#bar .btn-primary").click()
    page.get_by_role("region", name="Submit").locator(".btn-primary").click()
    page.wait_for_url("**/batches/*")
    expect(page.locator("#head")).to_contain_text("Completed")
    page.reload()
    return page.url


def _take(page: Page, name: str, *, whole: bool = False) -> None:
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    path = PICTURES / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    page.screenshot(path=path, full_page=whole)
    sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    sys.exit(main())
