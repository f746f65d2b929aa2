// The input check of the create form: leads from what is missing to its field, and marks a report as old once the form
// names another input or model.
import { announce } from "./announce.js";

const fields = ["model_id", "input_s3_uri", "model_invocation_type"];
let asked = values();

function values() {
  const form = document.getElementById("job-form");
  if (!form) return "";
  const data = new FormData(form);
  return JSON.stringify(fields.map((name) => data.get(name)));
}

function showAge() {
  const region = document.getElementById("input-check");
  const isOld = Boolean(region?.dataset.spoken) && values() !== asked;
  for (const id of ["input-check-stale", "job-summary-stale"]) {
    const note = document.getElementById(id);
    if (note) note.hidden = !isOld;
  }
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches("[name=check_now]")) asked = values();
});

document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target.id === "input-check" && target.dataset.spoken) announce(target.dataset.spoken);
  showAge();
});

document.addEventListener("live:after", showAge);

document.addEventListener("change", (event) => {
  if (fields.includes(event.target.name)) showAge();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("#input-check .alert a[href^='#']");
  const control = link && document.getElementById(link.hash.slice(1));
  if (!control) return;
  event.preventDefault();
  control.focus();
});
