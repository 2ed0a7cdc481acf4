"""Makes the README's pictures from a running demo: `.venv/bin/python docs/screenshots.py [--port N]`.

Beside `./crossfoot demo` it logs in, lets the PSA's stand-in close invoices, posts them in the browser as a bookkeeper
would, and takes its pictures on the way. Playwright is installed by `./crossfoot test`, which also says how to get a
Chromium.
"""

import argparse
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
from launcher.machine import find_browser  # noqa: E402

PICTURES = ROOT / "docs" / "screenshots"
WIDTH, HEIGHT = 1440, 900
INVOICES = 48
#: Of reading the PSA, checking every invoice and posting them.
MOST_MILLISECONDS = 180_000


def main() -> int:
    """Take every picture; 2 where the demo or a browser is missing."""
    parser = argparse.ArgumentParser(description="Make the README's pictures from a running demo.")
    parser.add_argument("--port", type=int, default=8000, help="of the running demo (8000)")
    port = parser.parse_args().port
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
        _take_all(browser, f"http://localhost:{port}", demo["password"])
        browser.close()
    return 0


def _close_invoices(psa_port: int) -> None:
    """New work for the selection page; the address is one that only the stand-in has."""
    body = json.dumps({"count": INVOICES}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{psa_port}/_close", body, {"Content-Type": "application/json"})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60).close()


def _take_all(browser: Browser, base: str, password: str) -> None:
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


@contextmanager
def _page(browser: Browser, base: str, password: str, *, dark: bool = False) -> Iterator[Page]:
    """A page of somebody who is logged in; its colours are the system's, which here we are."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
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


def _take(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path)
    sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    sys.exit(main())
