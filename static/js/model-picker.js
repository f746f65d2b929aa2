// The picker's dialog writes its choice into the field, and a line under the field says what a typed id means.
import { showPart } from "./asking.js";

const isModel = (element) => element.id === "id_model_id";

function choose(picker) {
  const picked = picker.querySelector("[name=model_pick]:checked");
  if (!picked) return;
  const field = document.getElementById("id_model_id");
  field.value = picked.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
  picker.closest("dialog").close();
}

let picked = "";

document.addEventListener("change", (event) => {
  const picker = event.target.closest("[data-model-picker]");
  if (!picker || event.target.name !== "model_pick") return;
  picked = event.target.value;
  picker.querySelector("[data-model-choose]").disabled = false;
});

// A list that was asked for before the pick must not lose it.
document.addEventListener("htmx:afterSwap", (event) => {
  const picker = document.querySelector("[data-model-picker]");
  if (!picker) return;
  if (event.detail.target.id === "dialog") picked = "";
  const same = [...picker.querySelectorAll("[name=model_pick]")].find((each) => each.value === picked);
  if (same) same.checked = true;
  picker.querySelector("[data-model-choose]").disabled = !picker.querySelector("[name=model_pick]:checked");
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-model-choose]");
  if (button) choose(button.closest("[data-model-picker]"));
});

// A form may be replaced as a whole, and its field with it.
document.addEventListener("change", ({ target: field }) => {
  if (!isModel(field)) return;
  const summary = document.getElementById("model-summary");
  const url = `${summary.dataset.modelSummary}?model_id=${encodeURIComponent(field.value.trim())}`;
  showPart(url, summary);
});
