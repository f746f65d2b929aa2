// Shows why a request was refused in the place that asked for it, with Retry where trying again may help. The server
// sends its words as a part of a page ([data-refused]), as text or as JSON; without any, the status says what it can.
const WAITING = [408, 425, 429]; // of the statuses below 500, those that pass by themselves
const NO_ANSWER = ["The console does not answer", "Check your network connection, and whether the console is running."];
const REFUSED = "The request was refused";
const WORDS = {
  0: NO_ANSWER,
  404: ["Not found", "It may have been removed since this page was opened. Reload the page."],
  413: ["The request is too large", "Send less at once."],
  429: ["Too many requests", "Wait a minute, then try again."],
  502: NO_ANSWER,
  503: NO_ANSWER,
  504: NO_ANSWER,
};
const CONTAINERS = "div, section, article, form, aside";

const shown = new Map(); // what asked: the alert in it
let retried = null; // what somebody has pressed Retry in
let isLeaving = false;

export class Refusal extends Error {
  // The status is 0 where no answer came.
  constructor(status, type = "", text = "") {
    const plain = plainWords(type, text);
    const alert = sentAlert(type, text) ?? makeAlert(plain ? [REFUSED, plain] : wordsOf(status));
    super(plain || [...alert.querySelectorAll("strong, p")].map((each) => stopped(each.textContent.trim())).join(" "));
    this.alert = alert;
    this.status = status;
    this.isPassing = status === 0 || status >= 500 || WAITING.includes(status);
  }
}

const stopped = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

function sentAlert(type, text) {
  const sent = document.createElement("template");
  if (type.startsWith("text/html")) sent.innerHTML = text;
  return sent.content.querySelector("[data-refused]");
}

function makeAlert([title, message]) {
  const alert = document.getElementById("refusal").content.firstElementChild.cloneNode(true);
  alert.querySelector("strong").textContent = title;
  alert.querySelector("p").textContent = message;
  return alert;
}

function plainWords(type, text) {
  if (type.startsWith("application/json")) return JSON.parse(text).message;
  return type.startsWith("text/plain") ? text.trim() : "";
}

function wordsOf(status) {
  const isOurs = status < 500;
  const next = isOurs ? "Reload the page, then try again." : "Try again in a moment.";
  return WORDS[status] ?? [isOurs ? REFUSED : "Something went wrong", `The console answered ${status}. ${next}`];
}

// Says *refusal* in *target*, what is there stays. With *retry*, a function, a button tries again if that may help.
export function showRefusal(target, refusal, retry) {
  const { alert, isPassing } = refusal;
  const before = find(target);
  if (before?.alert.isConnected && before.text === refusal.message && retried !== before.target) return;
  remove(before);
  if (retry && isPassing) addButton(alert, "Retry", () => tryAgain(target, retry));
  place(target, alert);
  shown.set(target, { alert, text: refusal.message });
  if (before && retried === before.target) alert.querySelector("button")?.focus();
  retried = null;
}

// Retry is gone with the alert; the focus goes to what has come instead.
export function clearRefusal(target) {
  const before = find(target);
  if (!before) return;
  remove(before);
  if (retried === before.target && document.activeElement === document.body) focusOn(target);
  retried = null;
}

function remove(before) {
  before?.alert.remove();
  shown.delete(before?.target);
}

function focusOn(target) {
  const part = target.isConnected ? target : document.getElementById(target.id);
  if (!part) return;
  part.tabIndex = -1;
  part.focus();
}

// A part that was swapped is another element of the same id.
function find(target) {
  const same = [...shown.keys()].find((each) => each === target || (each.id && each.id === target.id));
  return same && { target: same, ...shown.get(same) };
}

function addButton(alert, text, act) {
  const button = document.createElement("button");
  button.className = "button";
  button.type = "button";
  button.textContent = text;
  if (act) button.addEventListener("click", act);
  const content = alert.querySelector(".alert-content");
  const actions = content.querySelector(".actions") ?? document.createElement("div");
  actions.className = "actions";
  actions.append(button);
  content.append(actions);
  return button;
}

function tryAgain(target, retry) {
  retried = target;
  retry();
}

function place(target, alert) {
  if (target.matches("dialog")) placeInDialog(target, alert);
  else if (target === document.body) document.querySelector("dialog[open] .modal-content, main .content").prepend(alert);
  else if (target.matches("fieldset")) target.append(alert); // the legend stays first
  else if (target.querySelector(".page-header")) target.querySelector(".page-header").after(alert);
  else if (target.matches(CONTAINERS)) target.prepend(alert);
  else target.before(alert);
}

// A dialog that has nothing to show yet becomes one that says why; one closed in the meantime stays closed.
function placeInDialog(dialog, alert) {
  const isWaiting = dialog.querySelector(".dialog-loading");
  if (isWaiting && !dialog.open) return;
  const content = dialog.open && dialog.querySelector(".modal-content:not(.modal-refused)");
  if (content) return content.prepend(alert);
  const frame = document.createElement("div");
  frame.className = "modal-content modal-refused";
  addButton(alert, "Close").dataset.close = "";
  frame.append(alert);
  dialog.replaceChildren(frame);
  dialog.removeAttribute("aria-labelledby");
  dialog.setAttribute("aria-label", alert.querySelector("strong").textContent);
  if (!dialog.open) dialog.showModal();
}

// htmx asks again as it did, with what its form holds now.
function repeat({ elt, target, etc, requestConfig }) {
  const { verb, path, triggeringEvent: event } = requestConfig;
  const source = elt.isConnected ? elt : (document.getElementById(elt.id) ?? target);
  window.htmx.ajax(verb, path, { source, event, target: etc.targetOverride, swap: etc.swapOverride, values: etc.values }).catch(() => {});
}

const tell = (detail, refusal) => showRefusal(detail.target, refusal, () => repeat(detail));

document.addEventListener("htmx:responseError", ({ detail }) => {
  const { xhr } = detail;
  tell(detail, new Refusal(xhr.status, xhr.getResponseHeader("Content-Type") ?? "", xhr.responseText));
});

for (const lost of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(lost, ({ detail }) => isLeaving || tell(detail, new Refusal(0)));
}

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) clearRefusal(detail.target);
});

// A browser that leaves a page breaks off what it has asked for, which is no fault of the network.
window.addEventListener("beforeunload", () => {
  isLeaving = true;
  setTimeout(() => (isLeaving = false), 3000); // a download, or the person stays
});
