// Making batch input: columns go into the prompt at the cursor, an upload shows how far it is, and what the source
// turned out to be is said out loud. The preview and the reading of the source are htmx's.
import { announce } from "./announce.js";
import "./first-error.js";
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
