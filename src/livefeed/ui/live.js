/*
 * Keeps an open page as the server would show it now. Without it every page works; one reloads by hand.
 *
 * The body says where to listen and what to fetch:
 *   data-live-from   addresses of event streams, separated by blanks: "/live"
 *   data-live-since  when this page was made, in ms; the stream tells what came since
 *   data-live-page   what to fetch when something changed; without it, this page
 *   data-live-said   what is said to those who listen when the page has changed
 * Elements with data-live="<name>" are brought up to date; the rest of the page stays. Rows are matched by
 * id or data-key. What has the focus, is typed, chosen or unfolded stays so: nodes are mended, not replaced.
 */

const PAUSE_MS = 150; // events come in bursts; one fetch answers them all
const RETRY_MS = 30_000; // after the server refused the stream

const body = document.body;
let streams = [];
let planned = 0;
let isFetching = false;
let isStale = false;
let hasChanged = false;

const nameOf = (node) => (node.nodeType === 1 ? node.dataset.live || node.id || node.dataset.key || "" : "");

const fits = (old, fresh) => old.nodeName === fresh.nodeName && nameOf(old) === nameOf(fresh);

function mendAttributes(old, fresh) {
  old.classList.remove("fresh");
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
      hasChanged = true;
    }
  }
  for (const { name } of [...old.attributes]) {
    if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}

function mend(old, fresh) {
  if (old.nodeType !== 1) {
    hasChanged ||= old.data !== fresh.data;
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  mendAttributes(old, fresh);
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    let found = at;
    while (found && !fits(found, next)) found = found.nextSibling;
    if (found) {
      mend(found, next);
      if (found === at) at = at.nextSibling;
      else old.insertBefore(found, at);
    } else {
      const added = old.insertBefore(document.adoptNode(next), at);
      if (nameOf(added)) added.classList.add("fresh");
      hasChanged = true;
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
    hasChanged = true;
  }
}

async function refresh() {
  planned = 0;
  isStale = isFetching;
  if (isFetching || document.hidden) return; // a stream that is opened again tells what was missed
  isFetching = true;
  try {
    const answer = await fetch(body.dataset.livePage || location.href, { cache: "no-store" });
    if (answer.ok && !answer.redirected) show(await answer.text()); // else: signed out, or the post is gone
  } catch {
    // The server is away; the stream tells what was missed once it is back.
  } finally {
    isFetching = false;
    if (isStale) plan();
  }
}

function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  hasChanged = false;
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = document.querySelector(`[data-live="${CSS.escape(fresh.dataset.live)}"]`);
    if (old && !fresh.parentElement.closest("[data-live]")) mend(old, fresh);
  }
  body.dataset.liveSince = page.body.dataset.liveSince || body.dataset.liveSince;
  const said = document.getElementById("live-said");
  if (!hasChanged || !said) return;
  said.textContent = "";
  setTimeout(() => (said.textContent = body.dataset.liveSaid), PAUSE_MS);
}

function plan() {
  if (!planned) planned = setTimeout(refresh, PAUSE_MS);
}

function listen(address) {
  const url = new URL(address, location.href);
  url.searchParams.set("since", body.dataset.liveSince || "");
  const stream = new EventSource(url);
  stream.onmessage = plan;
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, RETRY_MS);
  };
  return stream;
}

/* A page that nobody looks at listens to nothing; when it is looked at again it asks what it missed. */
function follow() {
  for (const stream of streams) stream.close();
  streams = document.hidden ? [] : body.dataset.liveFrom.split(" ").map(listen);
}

/* Menus fold when one looks elsewhere. */
function fold(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (event.key === "Escape" && menu.contains(document.activeElement)) menu.firstElementChild.focus();
    if (event.key === "Escape" || (event.type === "click" && !menu.contains(event.target))) menu.open = false;
  }
}

document.addEventListener("keydown", fold);
document.addEventListener("click", fold);
document.addEventListener("visibilitychange", follow);
addEventListener("pagehide", () => streams.forEach((stream) => stream.close()));
addEventListener("pageshow", (event) => event.persisted && follow());
follow();
