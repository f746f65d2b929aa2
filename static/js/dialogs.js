// Dialogs: [data-open="<id>"] shows one, [data-close] inside or a click on the backdrop closes it. A link or GET form
// with data-dialog shows the page it leads to (or the URL data-dialog names) inside the page's #dialog; without script,
// and by a button with data-whole-page, it leads there. With data-loading it opens at once with that text: what it shows is asked of somebody slow.
import { showPart } from "./asking.js";

export function openDialog(dialog) {
  if (!dialog.open) dialog.showModal();
}

function openWaiting(dialog, text) {
  const waiting = document.createElement("p");
  waiting.className = "dialog-loading";
  waiting.setAttribute("role", "status");
  waiting.textContent = text;
  dialog.replaceChildren(waiting);
  dialog.removeAttribute("aria-labelledby");
  dialog.setAttribute("aria-label", text);
  openDialog(dialog);
}

async function openPage(url, loading) {
  const dialog = document.getElementById("dialog");
  if (loading) openWaiting(dialog, loading);
  await showPart(url, dialog);
  const title = dialog.querySelector("h2[id]");
  if (!title) return location.assign(url);
  dialog.removeAttribute("aria-label");
  dialog.setAttribute("aria-labelledby", title.id);
  if (!loading) openDialog(dialog); // else it is open, or was closed in the meantime
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) openDialog(document.getElementById(opener.dataset.open));
  const link = event.target.closest(":is(a, button)[data-dialog]");
  if (link && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    if (link.getAttribute("aria-disabled") !== "true") openPage(link.dataset.dialog || link.href, link.dataset.loading);
  }
  if (event.target.closest("[data-close]") || event.target.matches("dialog.modal")) {
    const dialog = event.target.closest("dialog");
    if (dialog) {
      event.preventDefault();
      dialog.close();
    }
  }
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-dialog]") || event.submitter?.matches("[data-whole-page]")) return;
  event.preventDefault();
  openPage(`${event.submitter?.hasAttribute("formaction") ? event.submitter.formAction : event.target.action}?${new URLSearchParams(new FormData(event.target))}`);
});
