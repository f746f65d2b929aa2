// Leaving with changes asks first: a dialog for links of this page, the browser's own question for everything else.
const guard = document.querySelector("[data-unsaved-guard]");
const dialog = document.getElementById("leave-page");
const form = guard?.querySelector("form");
let leaving = false;
let destination = "";

// What a page keeps in the form for itself, and nobody typed.
const own = ["csrfmiddlewaretoken", "input_check"];
const snapshot = () => JSON.stringify([...new FormData(form)].filter(([name]) => !own.includes(name)));
const before = form && snapshot();
const isDirty = () => !leaving && ("dirty" in guard.dataset || snapshot() !== before);

if (form && dialog) {
  form.addEventListener("submit", () => {
    leaving = true;
  });

  window.addEventListener("beforeunload", (event) => {
    if (isDirty()) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.target || link.hasAttribute("download") || link.getAttribute("href").startsWith("#")) return;
    if (link.closest("dialog") || !isDirty()) return;
    event.preventDefault();
    destination = link.href;
    dialog.showModal();
  });

  dialog.querySelector("[data-leave]").addEventListener("click", () => {
    leaving = true;
    window.location.assign(destination);
  });
}
