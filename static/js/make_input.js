// Making batch input: columns go into the prompt at the cursor, an upload shows how far it is, and what the source
// turned out to be is said out loud. The preview and the reading of the source are htmx's.
import { announce } from "./announce.js";
import { mark } from "./field-check.js";
import "./first-error.js";
import "./model-picker.js";
import "./s3-chooser.js";
import "./unsaved-changes.js";

const PROMPTS = ["id_template", "id_system"];
let prompt = "id_template";

document.addEventListener("focusin", (event) => {
  if (PROMPTS.includes(event.target.id)) prompt = event.target.id;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-column]");
  const field = button && (document.getElementById(prompt) ?? document.getElementById("id_template"));
  if (!field) return;
  field.focus();
  field.setRangeText(`{${button.dataset.column}}`, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("htmx:xhr:progress", (event) => {
  const region = document.querySelector("[data-making-progress]");
  if (!region || !event.target.matches("[data-making-file]") || !event.detail.lengthComputable) return;
  const percent = Math.floor((event.detail.loaded / event.detail.total) * 100);
  region.hidden = false;
  region.querySelector("progress").value = percent;
  region.querySelector(".progress-value").textContent = `${percent}%`;
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "making-body") return;
  const found = document.querySelector("#making-body .field-error, .making-look .status-indicator");
  announce(found?.textContent.trim() ?? "");
  document.querySelector("#making-body [autofocus]")?.focus();
});

// A number of a row is no reason to send the form.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.id !== "id_preview_row") return;
  event.preventDefault();
  event.target.dispatchEvent(new Event("change", { bubbles: true }));
});

// With the preview comes what is said of the fields; the first words that are new are said out loud.
let said = new Set();

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "making-preview") return;
  for (const slot of document.querySelectorAll("#making-body [data-error-slot]")) {
    mark(document.querySelectorAll(`#making-form [name="${slot.dataset.errorSlot}"]:not([type=radio], [type=checkbox])`), slot);
  }
  const words = [...document.querySelectorAll("#making-body .field-error, #making-body .field-warning")].map((each) => each.textContent.trim());
  const fresh = words.find((each) => !said.has(each));
  said = new Set(words);
  if (fresh) announce(fresh);
});
