/* Crossfoot's own script: keys, ranges, focus of the drawer. Every page works without it. */
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const shortcuts = document.body.dataset.shortcuts !== "off";

  /* ── the list: cursor, ticks, ranges ─────────────────────────────────── */
  const rows = () => all("[data-list] tbody tr");
  const cursor = () => $("[data-list] tr.is-cursor");
  let cursorId = "";
  let lastTick = "";

  function moveTo(row) {
    if (!row) return;
    cursor()?.classList.remove("is-cursor");
    row.classList.add("is-cursor");
    cursorId = row.id;
    row.scrollIntoView({ block: "nearest" });
    peek(row);
  }

  /* From 1920 px a pane beside the list shows the row under the cursor; a drawer with something to do stays. */
  const roomy = matchMedia("(min-width: 1920px)");
  let peeking = 0;
  let pane = null;

  function peek(row) {
    const drawer = $("#drawer");
    if (drawer?.dataset.peek) pane = { url: drawer.dataset.peek };
    if (!row || !pane || !roomy.matches || (drawer && !drawer.hidden && !drawer.dataset.peek)) return;
    const record = row.id.slice(1);
    if (drawer?.dataset.record === record) return;
    clearTimeout(peeking);
    peeking = setTimeout(() => {
      const still = $("#drawer");
      if (still && !still.hidden && !still.dataset.peek) return;
      htmx.ajax("GET", pane.url + encodeURIComponent(record), { target: "#drawer", swap: "outerHTML" });
    }, 120);
  }

  /* After the list has changed: what is shown of the row may have, too. */
  function peekAnew(row) {
    const shown = $("#drawer[data-peek]");
    if (!shown) return;
    delete shown.dataset.record;
    if (row) peek(row);
    else if (roomy.matches) startAt(rows()[0]);
  }

  function startAt(row) {
    if (!row) return;
    row.classList.add("is-cursor");
    cursorId = row.id;
    peek(row);
  }

  /* The row that has the focus, or was clicked, is the one under the cursor. */
  function follow(event) {
    const row = event.target.closest?.("[data-list] tbody tr");
    if (!row || row === cursor()) return;
    cursor()?.classList.remove("is-cursor");
    startAt(row);
  }
  document.addEventListener("focusin", follow);
  document.addEventListener("click", follow);

  function step(by) {
    const list = rows();
    if (!list.length) return $(by > 0 ? "a[rel=next]" : "a[rel=prev]")?.click();
    const at = list.indexOf(cursor());
    moveTo(at < 0 ? list[by > 0 ? 0 : list.length - 1] : list[Math.max(0, Math.min(list.length - 1, at + by))]);
  }

  const box = (row) => row && $(".tick input[name=record]", row);

  /* A range takes the state of its last box; one change event stands for all of it. */
  function tick(row, state, range) {
    const list = rows();
    const from = list.findIndex((other) => other.id === lastTick);
    const to = list.indexOf(row);
    const span = range && from >= 0 ? list.slice(Math.min(from, to), Math.max(from, to) + 1) : [row];
    span.map(box).filter(Boolean).forEach((input) => { input.checked = state; });
    lastTick = row.id;
    box(row)?.dispatchEvent(new Event("change", { bubbles: true }));
    showPageBox();
  }

  function showPageBox() {
    const page = $("[data-page]");
    if (!page) return;
    const boxes = rows().map(box).filter(Boolean);
    const on = boxes.filter((input) => input.checked).length;
    page.checked = on > 0 && on === boxes.length;
    page.indeterminate = on > 0 && on < boxes.length;
  }

  document.addEventListener("click", (event) => {
    const input = event.target.closest?.("input[name=record]");
    if (!input) return;
    const row = input.closest("tr");
    if (event.shiftKey) tick(row, input.checked, true);
    lastTick = row.id;
    showPageBox();
  });

  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-page]")) return;
    event.stopPropagation();
    const boxes = rows().map(box).filter(Boolean);
    boxes.forEach((input) => { input.checked = event.target.checked; });
    boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
  }, true);

  /* ── the drawer: focus goes in with it, and back to where it came from ── */
  let opener = null;

  function openedDrawer() {
    const drawer = $("#drawer");
    if (!drawer || drawer.hidden) return;
    const key = drawer.dataset.key;
    all(".cf-prob[aria-current]").forEach((group) => group.removeAttribute("aria-current"));
    if (key) opener?.closest(".cf-prob")?.setAttribute("aria-current", "true");
    if (drawer.dataset.peek) return;
    if (!drawer.contains(document.activeElement)) ($("[data-first]", drawer) || $("#drawer-h"))?.focus();
  }

  /* Where there is a pane it comes back, with the row under the cursor; everywhere else the drawer goes. */
  function emptyDrawer(drawer) {
    drawer.replaceChildren();
    drawer.hidden = true;
    restorePane(drawer);
  }

  function restorePane(drawer) {
    if (!pane || !drawer.hidden) return;
    drawer.className = "cf-aside cf-peek";
    drawer.dataset.peek = pane.url;
    drawer.removeAttribute("aria-labelledby");
    drawer.setAttribute("aria-label", "Document of the row");
    drawer.hidden = false;
    delete drawer.dataset.record;
    peek(cursor());
  }

  function closeDrawer() {
    const drawer = $("#drawer");
    if (!drawer || drawer.hidden || drawer.dataset.peek || $(".cf-onlydrawer")) return false;
    emptyDrawer(drawer);
    all(".cf-prob[aria-current]").forEach((group) => group.removeAttribute("aria-current"));
    if (opener?.isConnected) opener.focus();
    return true;
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-close]");
    if (link && closeDrawer()) event.preventDefault();
    all("details.cf-menu[open]").filter((menu) => !menu.contains(event.target)).forEach((menu) => { menu.open = false; });
  });

  /* ── copy for support: by the clipboard, or where the browser has none for us, by a selection ── */
  async function copy(button) {
    const text = $(button.dataset.copy);
    text.closest("details")?.setAttribute("open", "");
    getSelection().selectAllChildren(text);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.lastChild.textContent = "Copied";
    } catch {
      button.lastChild.textContent = document.execCommand("copy") ? "Copied" : "Selected: copy it with the keyboard";
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copy(button);
  });

  /* ── the end of a batch: told once, by the browser, if a person asked for it ── */
  const canTell = "Notification" in window && isSecureContext;
  const wanted = () => canTell && Notification.permission === "granted" && localStorage.getItem("tell") === "yes";

  function showButtons() {
    all("[data-copy]").forEach((button) => { button.hidden = false; });
    const tell = $("#tell");
    if (!tell || !canTell || Notification.permission === "denied") return;
    tell.hidden = false;
    tell.setAttribute("aria-pressed", String(wanted()));
    tell.lastChild.textContent = wanted() ? "You will be told at the end" : "Tell me at the end";
  }

  document.addEventListener("click", async (event) => {
    if (!event.target.closest?.("#tell")) return;
    const on = !wanted() && (await Notification.requestPermission()) === "granted";
    localStorage.setItem("tell", on ? "yes" : "no");
    showButtons();
  });

  function tellTheEnd() {
    const end = $("#live[data-ended]");
    if (!end || !wanted()) return;
    const { batch, ended, said } = end.dataset;
    end.removeAttribute("data-ended");
    const told = `told:${batch}:${ended}`;
    if (localStorage.getItem(told)) return;
    Object.keys(localStorage).filter((key) => key.startsWith("told:")).forEach((key) => localStorage.removeItem(key));
    localStorage.setItem(told, "yes");
    const note = new Notification(ended, { body: said, tag: told });
    note.addEventListener("click", () => { window.focus(); note.close(); });
  }

  document.addEventListener("htmx:afterSettle", () => showButtons());
  document.addEventListener("htmx:oobAfterSwap", () => { showButtons(); tellTheEnd(); });
  showButtons();

  /* Where tabs are wider than a phone, the chosen one is in sight. */
  function showTabs(root) {
    all(".cf-views [aria-current]", root).forEach((tab) => {
      const bar = tab.closest(".cf-views");
      bar.scrollLeft = tab.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
    });
  }

  document.addEventListener("htmx:afterSettle", (event) => showTabs(event.target));
  showTabs(document);

  /* ── htmx ─────────────────────────────────────────────────────────────── */
  let opening = null;   /* the question for a drawer with something to do, until it is answered */
  const forPane = (event) => pane && event.detail.requestConfig.path.startsWith(pane.url);

  document.addEventListener("htmx:beforeRequest", (event) => {
    const from = event.detail.elt;
    if (event.detail.target?.id === "drawer" && !forPane(event)) opening = event.detail.xhr;
    if (event.detail.target?.id === "drawer" && from.matches("a, button")) opener = from;
    if (from.dataset.busy) from.lastChild.textContent = from.dataset.busy;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id === "drawer" || event.target.id === "drawer") {
      const drawer = $("#drawer");
      if (drawer?.hidden) restorePane(drawer);
      openedDrawer();
    }
    const row = cursorId && document.getElementById(cursorId);
    if (row && !cursor()) row.classList.add("is-cursor");
    if (event.detail.target?.id === "list") peekAnew(row);
    showPageBox();
  });
  /* An error of ours names where it is to be shown; anything else (a proxy's page) is not put into the page. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    /* A drawer was opened meanwhile, and stays; one that is about to come would miss the place that this one takes. */
    const late = forPane(event) && (!$("#drawer[data-peek]") || (opening && opening.readyState < XMLHttpRequest.DONE));
    if (late) { event.detail.shouldSwap = false; return; }
    if (event.detail.xhr.status >= 400 && event.detail.xhr.getResponseHeader("HX-Retarget")) event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:sendError", () => say("The server does not answer. Nothing was changed; this page tries again."));
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) say(""); });

  function say(text) {
    const place = $("#offline") || $("#notices");
    if (!place) return;
    const note = $("#offline");
    if (!text) return note?.remove();
    if (note) return;
    const line = document.createElement("div");
    line.id = "offline";
    line.className = "cf-note is-warn";
    line.append(Object.assign(document.createElement("span"), { textContent: text }));
    place.append(line);
  }

  /* ── keys ─────────────────────────────────────────────────────────────── */
  function views(by) {
    const tabs = all(".cf-views a");
    const at = tabs.findIndex((tab) => tab.hasAttribute("aria-current"));
    tabs[at + by]?.click();
  }

  function open(row) {
    (row && ($(".p-main a", row) || $("td a[href]:not([target])", row)))?.click();
  }

  function hold(row) {
    const from = row && $("[data-hold]", row);
    if (!from) return;
    opener = box(row);
    htmx.ajax("GET", from.dataset.hold, { source: from, target: "#drawer", swap: "outerHTML" });
  }

  const keys = {
    "/": () => $("[type=search]:not(#drawer-q)")?.focus(),
    "?": () => { location.href = "/help/keys"; },
    "[": () => views(-1),
    "]": () => views(1),
    Escape: () => closeDrawer() || all("#select-none").find((none) => none.checkVisibility())?.click(),
    Enter: () => open(cursor()),
    f: () => $("[data-fix]", cursor() || document)?.click(),
    h: () => hold(cursor()),
    j: () => step(1),
    k: () => step(-1),
    r: () => { const row = cursor(); if (row) $("[data-retry]", row)?.click(); },
    " ": () => keys.x(),
    x: () => { const input = box(cursor()); if (input) tick(cursor(), !input.checked, false); },
    X: () => { const input = box(cursor()); if (input) tick(cursor(), true, true); },
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
    if (event.key === "Escape" && (typing || !shortcuts)) { if (!typing || typing.value === "") closeDrawer(); return; }
    if (!shortcuts || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.target !== document.body && !event.target.matches("main, tr")) return;
    const act = keys[event.key];
    if (!act || (event.key === " " && (!cursor() || event.target.closest("a, button, summary, input")))) return;
    if (event.target.matches("[type=radio]") && event.key !== "Escape") return;
    event.preventDefault();
    act();
  });

  showPageBox();
  openedDrawer();
  if ($("#drawer[data-peek]")) peek(null);
  if (pane && roomy.matches) startAt(rows()[0]);
})();
