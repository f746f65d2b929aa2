// Parts of a page that keep themselves up to date. [data-live] holds the address a part is asked at, which also works as
// a page, and [data-version] what it shows. It is asked often while something runs ([data-busy], with the seconds where
// that matters), seldom otherwise, and not at all while the tab is hidden or the person has paused it; a part that comes
// without its address is final. Where nothing runs, [data-news] is a mark of the last change anywhere: it is compared every
// few seconds, which costs the server little, and the part is asked for only if it differs. [data-spoken] is told to screen readers when it changes.
//
// Where the address is the page's own the part is the page: links and forms with data-in-place load other views of it
// ("live:leave" before, which may be prevented, "live:arrived" after). "live:before" and "live:after" stand round each
// change.
import { announce } from "./announce.js";
import { ask } from "./asking.js";
import { morph } from "./morph.js";
import { clearRefusal, Refusal, showRefusal } from "./refusals.js";

const BUSY = 4; // seconds
const NEWS = 5;
const IDLE = 60;
const SLOWEST = 120;
const LATE = 10;
const SLOW = 1;

const PAUSED = "console-updates-paused";
const parts = new WeakMap();

const after = (seconds, act) => setTimeout(act, seconds * 1000);
const isPaused = () => localStorage.getItem(PAUSED) === "yes";

class Part {
  timer = 0;
  failures = 0;
  isRefused = false; // for good: what it shows is gone, or no longer for this person
  wanted = ""; // what somebody asked for instead, and has not come yet
  asking = null;
  wholeAt = Date.now(); // when all that it shows was asked for last

  constructor(element) {
    this.element = element;
  }

  get isPage() {
    const { live } = this.element.dataset;
    return live !== undefined && new URL(live, location.href).pathname === location.pathname;
  }

  // Where nothing runs, most renewals only ask whether there is news.
  get asksForNews() {
    const { busy, news } = this.element.dataset;
    return news !== undefined && busy === undefined && Date.now() - this.wholeAt < IDLE * 1000;
  }

  // Whether the part is there now; nothing is said of a load that another one has overtaken.
  async load({ url = this.isPage ? location.href : this.element.dataset.live, push = false, isRenewal = false } = {}) {
    clearTimeout(this.timer); // an update of the old address must not overtake what somebody asked for
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    const late = after(LATE, () => this.stamp("Still refreshing"));
    try {
      const { version, news } = this.element.dataset;
      const headers = isRenewal ? { "X-Version": version } : {};
      if (isRenewal && this.asksForNews) headers["X-News"] = news;
      else this.wholeAt = Date.now();
      const response = await ask(url, { headers, signal: asking.signal, redirect: "manual" });
      if (response.type === "opaqueredirect") return location.assign(url);
      const html = response.status === 204 ? "" : await response.text();
      if (!this.element.isConnected) return undefined; // something newer stands in its place
      this.succeed(html, isRenewal);
      if (response.headers.has("X-News")) this.element.dataset.news = response.headers.get("X-News");
      if (push && url !== location.href) history.pushState(null, "", this.element.dataset.live);
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) return dropped(error);
      if (push) this.miss(error, url);
      else this.fail(error);
      return false;
    } finally {
      clearTimeout(late);
      if (this.asking === asking) this.schedule();
    }
  }

  succeed(html, isRenewal) {
    this.failures = 0;
    this.isRefused = false;
    if (!isRenewal || !this.wanted) clearRefusal(this.element);
    if (!isRenewal) this.wanted = "";
    if (html) this.show(html);
    this.stamp();
  }

  show(html) {
    const answer = document.createElement("template");
    answer.innerHTML = html;
    const { spoken } = this.element.dataset;
    this.tell("live:before");
    const fresh = answer.content.getElementById(this.element.id);
    if (fresh) morph(this.element, fresh);
    for (const beside of answer.content.querySelectorAll("[hx-swap-oob=true]")) showBeside(beside);
    window.htmx?.process(this.element);
    if (this.element.dataset.title) document.title = this.element.dataset.title;
    if (this.element.dataset.spoken !== spoken) announce(this.element.dataset.spoken ?? "");
    this.tell("live:after");
  }

  // What passes is told where the part says when it was updated last, else above what is shown.
  fail(refusal) {
    this.failures += 1;
    this.isRefused = !refusal.isPassing;
    this.stamp(refusal.message);
    const isTold = refusal.isPassing && this.element.querySelector("[data-stale]");
    if (!isTold) showRefusal(this.element, refusal, () => this.load());
  }

  // Another view was asked for. While it may yet come it is asked for again, else the one that is there goes on.
  miss(refusal, url) {
    this.failures += refusal.isPassing ? 1 : 0;
    this.wanted = url;
    this.stamp(refusal.message);
    showRefusal(this.element, refusal, () => go(url));
  }

  stamp(note = "") {
    for (const updated of this.element.querySelectorAll("[data-updated]")) {
      updated.textContent = this.failures ? "" : note || `Last updated ${now(updated.dataset.zone)}`;
    }
    for (const stale of this.element.querySelectorAll("[data-stale]")) {
      stale.hidden = !this.failures;
      if (this.failures && note) stale.querySelector("[data-reason]").textContent = note;
    }
    for (const button of this.element.querySelectorAll("[data-pause]")) {
      button.setAttribute("aria-pressed", String(isPaused()));
    }
  }

  // Only where there is a button to go on with, an update is paused. What somebody watches is asked for in a hidden tab.
  get isResting() {
    return (document.hidden && !("watched" in this.element.dataset)) || (isPaused() && this.element.querySelector("[data-pause]"));
  }

  schedule() {
    clearTimeout(this.timer);
    const { live, busy, news } = this.element.dataset;
    if (live === undefined || this.isRefused || this.isResting || !this.element.isConnected) return;
    const idle = news === undefined ? IDLE : NEWS;
    const wait = busy === undefined ? idle : Number(busy) || BUSY;
    this.timer = after(Math.min(wait * 2 ** this.failures, SLOWEST), () => this.renew());
  }

  renew() {
    if (!this.element.isConnected || this.isRefused) return;
    if (this.wanted && this.failures) go(this.wanted);
    else this.load({ isRenewal: true });
  }

  tell(type, options = {}) {
    return this.element.dispatchEvent(new CustomEvent(type, { bubbles: true, ...options }));
  }
}

// The time in the preferred zone, which the server names when it is not the browser's.
function now(zone) {
  const digits = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const named = { timeZone: zone || undefined, timeZoneName: "short" };
  return new Date().toLocaleTimeString("en-GB", { ...digits, ...named }).replace("GMT", "UTC");
}

// Nobody waits any more for what was broken off; everything else is a fault of ours.
function dropped(error) {
  if (error.name !== "AbortError") throw error;
}

// An answer may bring what stands elsewhere on the page, as for htmx.
function showBeside(fresh) {
  fresh.removeAttribute("hx-swap-oob");
  const old = document.getElementById(fresh.id);
  if (old) morph(old, fresh);
}

function partOf(element) {
  if (!parts.has(element)) {
    parts.set(element, new Part(element));
    parts.get(element).stamp();
    parts.get(element).schedule();
  }
  return parts.get(element);
}

const allParts = () => [...document.querySelectorAll("[data-live]")].map(partOf);
const pagePart = () => allParts().find((part) => part.isPage);

// Loads what somebody asked for; whether it is there.
export async function go(url) {
  const part = pagePart();
  if (!part) return location.assign(url);
  if (!part.tell("live:leave", { cancelable: true, detail: { url } })) return false;
  const focused = document.activeElement;
  const isOfPages = focused.closest(".pagination");
  const slow = after(SLOW, () => announce("Loading"));
  part.element.dataset.loading = "";
  const isThere = await part.load({ url, push: true });
  clearTimeout(slow);
  if (isThere === undefined) return false;
  delete part.element.dataset.loading;
  if (!isThere) return false;
  // What was pressed may be gone: the way to the next page on the last one.
  if (!focused.isConnected && isOfPages) document.querySelector(".pagination a")?.focus();
  part.tell("live:arrived");
  return true;
}

async function refresh(part) {
  await part.load();
  const updated = part.element.querySelector("[data-updated]")?.textContent ?? "";
  announce(part.failures ? "Could not refresh" : `Refreshed. ${updated}`);
}

function togglePause() {
  localStorage.setItem(PAUSED, isPaused() ? "no" : "yes");
  for (const part of allParts()) {
    part.stamp();
    part.schedule();
  }
}

document.addEventListener("click", (event) => {
  const part = pagePart();
  if (!part || event.defaultPrevented) return;
  const link = event.target.closest("a[data-in-place]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    go(link.href);
  }
  if (event.target.closest("[data-refresh]")) refresh(part);
  if (event.target.closest("[data-pause]")) togglePause();
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-in-place]") || !pagePart()) return;
  event.preventDefault();
  const chosen = [...new FormData(event.target)].filter(([, value]) => value);
  go(`${location.pathname}?${new URLSearchParams(chosen)}`);
});

document.addEventListener("visibilitychange", () => {
  for (const part of allParts()) {
    if (part.isResting) clearTimeout(part.timer);
    else part.renew();
  }
});

window.addEventListener("popstate", () => {
  const part = pagePart();
  if (!part) return;
  const mayLeave = part.tell("live:leave", { cancelable: true, detail: { url: location.href } });
  if (mayLeave) part.load({ url: location.href });
  else history.pushState(null, "", part.element.dataset.live);
});

document.addEventListener("htmx:load", allParts); // a part may come with an answer
allParts();
