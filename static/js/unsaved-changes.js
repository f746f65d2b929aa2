// Leaving with changes asks first: a dialog for links of this page, the browser's own question for everything else.
// The guarded form may be opened in place later. One that came back from the server (data-dirty) has changes already.
const dialog = document.getElementById("leave-page");
let guard = null;
let before = "";
let leaving = false;
let destination = "";

// What a page keeps in the form for itself, and nobody typed.
const own = ["csrfmiddlewaretoken", "input_check"];
const form = () => guard?.querySelector("form");
const snapshot = () => JSON.stringify([...new FormData(form())].filter(([name]) => !own.includes(name)));

function watch() {
  const found = document.querySelector("[data-unsaved-guard]");
  if (found === guard) return;
  guard = found;
  leaving = false;
  before = form() ? snapshot() : "";
}

function isDirty() {
  watch();
  return Boolean(!leaving && form() && ("dirty" in guard.dataset || snapshot() !== before));
}

// Whether the person is asked before *url* is gone to, because there are changes.
function asks(url) {
  if (!dialog || !isDirty()) return false;
  destination = url;
  dialog.showModal();
  return true;
}

watch();
document.addEventListener("htmx:load", watch);

document.addEventListener("live:leave", (event) => {
  if (asks(event.detail.url)) event.preventDefault();
});

// Lists that come after the page bring fields that nobody has changed. htmx asks for them without an event when an element
// is there, and with "toggle" when a section is opened.
const comesLater = (event) => ["toggle", undefined].includes(event.detail.requestConfig?.triggeringEvent?.type);
const cleanBefore = new WeakSet(); // answers that found the form without changes

document.addEventListener("htmx:beforeSwap", (event) => {
  if (comesLater(event) && !isDirty()) cleanBefore.add(event.detail.xhr);
});

for (const swapped of ["htmx:afterSwap", "htmx:afterSettle"]) {
  document.addEventListener(swapped, (event) => {
    if (cleanBefore.has(event.detail.xhr) && form()) before = snapshot();
  });
}

document.addEventListener("submit", (event) => {
  if (event.target === form()) leaving = true;
});

for (const failure of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(failure, (event) => {
    if (event.target === form()) leaving = false;
  });
}

document.addEventListener("draft:kept", () => {
  leaving = true;
});

window.addEventListener("beforeunload", (event) => {
  if (isDirty()) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.target || link.hasAttribute("download") || link.getAttribute("href").startsWith("#")) return;
  if (!link.closest("dialog") && asks(link.href)) event.preventDefault();
});

dialog?.querySelector("[data-leave]").addEventListener("click", () => {
  leaving = true;
  window.location.assign(destination);
});
