// How a page's own modules ask the server. What is refused comes as a Refusal, or is shown in place; when the session is
// over, the page is left.
import { Refusal } from "./refusals.js";
import { isOver } from "./session.js";

// Like fetch, and the answer is one that may be used. Throws a Refusal; an AbortError when nobody waits any more.
export async function ask(url, { headers = {}, ...options } = {}) {
  const response = await reach(fetch(url, { ...options, headers: { "X-Part": "true", ...headers } }));
  if (isOver((name) => response.headers.get(name))) throw new DOMException("The session is over.", "AbortError");
  if (response.ok || response.type === "opaqueredirect") return response;
  const type = response.headers.get("Content-Type") ?? "";
  throw new Refusal(response.status, type, await reach(response.text()));
}

async function reach(answer) {
  try {
    return await answer;
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refusal(0);
  }
}

const latest = new WeakMap(); // of a target: what it was asked for last

// Asks the server for a part of the page and puts it into *target*; what the target asked for before is wanted no more.
// Resolves when the part is there, which it may be after a Retry. The target itself asks: by default htmx lets the body
// ask one question at a time, drops all held back but the last, and resolves what it holds back at once.
export function showPart(url, target) {
  window.htmx.trigger(target, "htmx:abort");
  return new Promise((resolve) => {
    latest.set(target, resolve);
    target.addEventListener("htmx:afterRequest", function note({ detail }) {
      const isLatest = latest.get(target) === resolve;
      if (isLatest && (detail.elt !== target || !detail.successful)) return;
      target.removeEventListener("htmx:afterRequest", note);
      if (isLatest) resolve();
    });
    window.htmx.ajax("GET", url, { source: target, target, swap: "innerHTML" }).catch(() => {}); // shown in place
  });
}
