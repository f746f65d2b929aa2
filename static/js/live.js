// Keeps the page's [data-live] region up to date and loads other views of it in place. The address is the state: every
// load is a GET of a URL that also works as a page. It asks often while something runs ([data-busy]), seldom
// otherwise, and not at all while the tab is hidden or the person has paused it.
import { morph } from "./morph.js";
import { isOver } from "./session.js";

const BUSY = 4000;
const IDLE = 60000;
const SLOWEST = 120000;
const LATE = 10000;

const region = document.querySelector("[data-live]");
const paused = "console-updates-paused";
let timer = 0;
let failures = 0;
let current = null;

export function announce(text) {
  const status = document.getElementById("live-status");
  if (status) status.textContent = text;
}

// Whether the page is there now; nothing is said of a load that another one has overtaken.
export async function load(url, { push = false } = {}) {
  clearTimeout(timer); // an update of the old address must not overtake what somebody asked for
  current?.abort();
  current = new AbortController();
  const isSame = new URL(url, location.href).href === location.href;
  const late = setTimeout(() => stamp("Still refreshing"), LATE);
  try {
    const response = await fetch(url, { headers: headers(isSame), signal: current.signal, redirect: "manual" });
    if (isOver((name) => response.headers.get(name))) return undefined;
    if (response.type === "opaqueredirect") return location.assign(url);
    if (!response.ok) throw new Error(`${response.status}`);
    if (response.status !== 204) show(await response.text());
    if (push && !isSame) history.pushState(null, "", region.dataset.live);
    failures = 0;
    stamp();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    failures += 1;
    stamp();
  } finally {
    clearTimeout(late);
  }
  schedule();
  return !failures;
}

function headers(isSame) {
  return { "X-Part": "true", ...(isSame ? { "X-Version": region.dataset.version } : {}) };
}

function show(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.querySelector("[data-live]");
  region.dispatchEvent(new CustomEvent("live:before", { bubbles: true }));
  morph(region, fresh);
  window.htmx?.process(region);
  if (region.dataset.title) document.title = region.dataset.title;
  region.dispatchEvent(new CustomEvent("live:after", { bubbles: true }));
}

function stamp(note = "") {
  for (const element of document.querySelectorAll("[data-updated]")) {
    element.textContent = failures ? "" : note || `Last updated ${now(element.dataset.zone)}`;
  }
  for (const element of document.querySelectorAll("[data-stale]")) element.hidden = !failures;
}

// The time in the preferred zone, which the server names when it is not the browser's.
function now(zone) {
  const digits = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const named = { timeZone: zone || undefined, timeZoneName: "short" };
  const time = new Date().toLocaleTimeString("en-GB", { ...digits, ...named });
  return time.replace("GMT", "UTC");
}

export function isPaused() {
  return localStorage.getItem(paused) === "yes";
}

function schedule() {
  clearTimeout(timer);
  if (document.hidden || isPaused()) return;
  const wait = "busy" in region.dataset ? BUSY : IDLE;
  timer = setTimeout(() => load(location.href), Math.min(wait * 2 ** failures, SLOWEST));
}

function showPause() {
  for (const button of document.querySelectorAll("[data-pause]")) {
    button.setAttribute("aria-pressed", String(isPaused()));
  }
}

if (region) {
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : load(location.href)));
  document.addEventListener("click", async (event) => {
    if (event.target.closest("[data-refresh]")) {
      await load(location.href);
      const updated = document.querySelector("[data-updated]")?.textContent ?? "";
      announce(failures ? "Could not refresh" : `Refreshed. ${updated}`);
    }
    if (event.target.closest("[data-pause]")) {
      localStorage.setItem(paused, isPaused() ? "no" : "yes");
      showPause();
      schedule();
    }
  });
  region.addEventListener("live:after", showPause);
  showPause();
  stamp();
  schedule();
}
