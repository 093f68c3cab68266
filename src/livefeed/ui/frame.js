// The page around an application's frame: it answers the messages of the frame, and of nobody else.
// A message counts if it comes from the very window of a frame of ours, from the origin its application is
// registered under, and with the session id of that frame. Answers go to that origin, never to all.

const page = document.querySelector("section.application");
const frames = new Map(); // window of a frame → what we know of it

const LONGEST_PX = 20000;
const MOST_SLIDERS = 5;
const PATIENCE_MS = 10000; // for an application that does not answer
const SPEAKS_WITHIN_MS = 500; // once it has loaded, if it uses the library

// Commands that the portal does; the others are done here.
const REMOTE = new Set(["getInitData", "refreshAuth", "setInstall", "setAppOption", "setUserOption"]);

const LOCAL = {
  setInstallFinish: finishInstallation,
  resizeWindow,
  setTitle,
  setScroll,
  reloadWindow: (frame, key) => { reply(frame, key, null); location.reload(); },
  openApplication,
  closeApplication,
  openPath,
  getInterface: (frame, key) => reply(frame, key, { command: [], event: [] }),
  placementBindEvent: (frame, key) => reply(frame, key, true),
  selectUser: (frame, key, params) => reply(frame, key, params?.mult ? [] : null),
  selectAccess: (frame, key) => reply(frame, key, []),
  selectCRM: (frame, key) => reply(frame, key, {}),
};

start();

function start() {
  const element = page.querySelector("iframe");
  const form = page.querySelector("form.open");
  const [host, scheme] = element.name.split("|");
  if (host !== location.host || (scheme === "1") !== (location.protocol === "https:")) {
    warn(page.dataset.elsewhere);
    return;
  }
  addEventListener("message", receive);
  const frame = { element, sid: page.dataset.sid, origin: page.dataset.origin, heading: page.querySelector("h1") };
  watch(frame);
  element.addEventListener("load", () => setTimeout(look, SPEAKS_WITHIN_MS, frame, form));
  form.addEventListener("submit", () => opening(frame, form));
  form.submit();
  opening(frame, form);
}

function opening(frame, form) {
  show(frame, form, true);
  clearTimeout(frame.patience);
  frame.patience = setTimeout(look, PATIENCE_MS, frame, form);
}

// A browser says neither that a frame has failed nor why, and shows a page of its own in it.
async function look(frame, form) {
  clearTimeout(frame.patience);
  show(frame, form, frame.hasSpoken || (await isThere(frame.origin)));
}

async function isThere(origin) {
  const asked = { method: "HEAD", mode: "no-cors", credentials: "omit", cache: "no-store" };
  try {
    await fetch(`${origin}/favicon.ico`, { ...asked, signal: AbortSignal.timeout(PATIENCE_MS) });
    return true;
  } catch {
    return false;
  }
}

// The frame; or why it is empty, and the button that tries once more.
function show(frame, form, isAnswering) {
  const note = page.querySelector(".problem");
  frame.element.hidden = !isAnswering;
  form.hidden = isAnswering;
  if (!isAnswering) warn(page.dataset.silent);
  else if (note.textContent === page.dataset.silent) note.hidden = true;
}

function watch(frame) {
  frames.set(frame.element.contentWindow, frame);
}

function receive(event) {
  const frame = frames.get(event.source);
  if (!frame || event.origin !== frame.origin) return;
  const message = read(event.data);
  if (!message || message.sid !== frame.sid) return;
  frame.hasSpoken = true;
  if (REMOTE.has(message.command)) {
    askAndReply(frame, message);
  } else if (Object.hasOwn(LOCAL, message.command)) {
    LOCAL[message.command](frame, message.key, message.params);
  }
}

// `<command>:<params>:<key>:<sid>`; params may hold colons, and are left out if there are none.
function read(data) {
  if (typeof data !== "string" || data.length > 131072) return null;
  const parts = data.split(":");
  if (parts.length < 3) return null;
  const [command, sid, key] = [parts.shift(), parts.pop(), parts.pop()];
  return { command, sid, key, params: parsed(parts.join(":")) };
}

function parsed(text) {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

function reply(frame, key, payload) {
  frame.element.contentWindow?.postMessage(`${key}:${JSON.stringify(payload ?? null)}`, frame.origin);
}

async function askAndReply(frame, message) {
  const answer = await ask(frame, message.command, message.params);
  if (answer !== undefined) reply(frame, message.key, answer);
}

// What the portal says, or nothing: then the application is not answered, and the person is told.
async function ask(frame, command, params) {
  try {
    const response = await fetch(`/apps/${page.dataset.app}/frame/${frame.sid}/${command}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-livefeed-token": page.dataset.token },
      body: JSON.stringify(params ?? {}),
    });
    if (response.ok) return (await response.json()).answer;
    if (response.status === 403) warn(page.dataset.over);
  } catch {
    warn(page.dataset.over);
  }
  return undefined;
}

function warn(text) {
  const note = page.querySelector(".problem");
  note.textContent = text;
  note.hidden = false;
}

async function finishInstallation(frame, key) {
  const answer = await ask(frame, "setInstallFinish");
  if (answer === undefined) return;
  reply(frame, key, answer);
  if (answer.finished) location.reload();
}

function resizeWindow(frame, key, params) {
  const { width, height } = params ?? {};
  if (Number.isFinite(height) && height > 0) frame.element.style.height = `${Math.min(height, LONGEST_PX)}px`;
  if (width === "100%") frame.element.style.width = "100%";
  else if (Number.isFinite(width) && width > 0) frame.element.style.width = `${Math.min(width, LONGEST_PX)}px`;
  reply(frame, key, null);
}

function setTitle(frame, key, params) {
  const title = String(params?.title ?? "").slice(0, 255);
  frame.heading.textContent = title;
  frame.element.title = title;
  reply(frame, key, null);
}

function setScroll(frame, key, params) {
  if (Number.isFinite(params?.scroll) && params.scroll >= 0) scrollTo(0, params.scroll);
  reply(frame, key, null);
}

async function openApplication(frame, key, params) {
  if (frames.size > MOST_SLIDERS) return;
  const opened = await ask(frame, "openApplication", plain(params));
  if (!opened || opened.result === "error") return;
  const title = typeof params?.bx24_title === "string" ? params.bx24_title.slice(0, 255) : opened.title;
  slideApplication(opened, title, params?.bx24_width, () => reply(frame, key, null));
}

async function openPath(frame, key, params) {
  const opened = await ask(frame, "openPath", plain(params));
  if (opened === undefined) return;
  const close = () => reply(frame, key, { result: "close" });
  if (opened.page) await slidePage(opened.page, close, () => reply(frame, key, notAvailable()));
  else if (opened.action) slideApplication(opened, opened.title, undefined, close);
  else reply(frame, key, opened);
}

function plain(params) {
  return params !== null && typeof params === "object" && !Array.isArray(params) ? params : {};
}

function notAvailable() {
  return { result: "error", errorCode: "PATH_NOT_AVAILABLE" };
}

// Closes the slider the command comes from; from the page itself, the newest slider.
function closeApplication(frame) {
  const sliders = [...document.querySelectorAll("dialog.slider")];
  const own = sliders.find((slider) => slider.contains(frame.element));
  (own ?? sliders.at(-1))?.close();
}

function slideApplication(opened, title, width, onClose) {
  const element = page.querySelector("iframe").cloneNode();
  element.removeAttribute("style");
  element.name = opened.name;
  element.title = title;
  const slider = slide(title, onClose, () => frames.delete(inner));
  if (Number.isFinite(width) && width > 0) slider.style.width = `${Math.min(width, LONGEST_PX)}px`;
  slider.append(element);
  const inner = element.contentWindow;
  watch({ element, sid: opened.sid, origin: opened.origin, heading: slider.querySelector("h2") });
  submit(opened);
}

function submit(opened) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: opened.action, target: opened.name, hidden: true });
  for (const [name, value] of Object.entries(opened.fields)) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  page.append(form);
  form.submit();
  form.remove();
}

// One of our own pages, without what stands around it; no script of it runs here.
async function slidePage(path, onClose, onFailure) {
  const response = await fetch(path).catch(() => null);
  const main = response?.ok
    ? new DOMParser().parseFromString(await response.text(), "text/html").querySelector("main")
    : null;
  if (!main) return onFailure();
  const slider = slide(main.querySelector("h1")?.textContent ?? "", onClose, () => {});
  const body = document.createElement("div");
  body.append(...[...main.childNodes].filter((node) => node.nodeName !== "SCRIPT"));
  slider.append(body);
}

function slide(title, onClose, onGone) {
  const slider = Object.assign(document.createElement("dialog"), { className: "slider" });
  const heading = Object.assign(document.createElement("h2"), { textContent: title });
  const button = Object.assign(document.createElement("button"), {
    type: "button", className: "quiet", textContent: page.dataset.close,
  });
  button.addEventListener("click", () => slider.close());
  const head = document.createElement("header");
  head.append(heading, button);
  slider.append(head);
  slider.addEventListener("close", () => { onGone(); slider.remove(); onClose(); });
  document.body.append(slider);
  slider.showModal();
  return slider;
}
