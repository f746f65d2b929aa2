// Rules at the field: a value is judged by the server when it has been changed, and with each key while it is in error.
// A place in S3 that was pasted as an ARN or a web address then stands there as the URI it was taken as.
import { ask } from "./asking.js";
import { clearRefusal, Refusal, showRefusal } from "./refusals.js";

const WAIT = 400;
const form = document.querySelector("form[data-field-check]");
const waiting = new Map();
const latest = new Map();

export function mark(controls, slot) {
  const error = slot.querySelector(".field-error");
  const said = [...slot.children].map((child) => child.id);
  for (const control of controls) {
    const ids = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && !/_(error|warning)$/.test(id));
    ids.unshift(...said);
    control.toggleAttribute("aria-invalid", Boolean(error));
    if (error) control.setAttribute("aria-invalid", "true");
    if (ids.length) control.setAttribute("aria-describedby", ids.join(" "));
    else control.removeAttribute("aria-describedby");
  }
}

async function judge(name) {
  const slot = form.querySelector(`[data-error-slot="${name}"]`);
  const turn = (latest.get(name) ?? 0) + 1;
  latest.set(name, turn);
  try {
    const response = await ask(`${form.dataset.fieldCheck}${name}/`, { method: "POST", body: new FormData(form) });
    const html = await response.text();
    if (latest.get(name) === turn) show(name, slot, html);
  } catch (error) {
    if (error instanceof Refusal && latest.get(name) === turn) showRefusal(slot, error, () => judge(name));
  }
}

function show(name, slot, html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const answer = fresh.content.querySelector("[data-error-slot]");
  const controls = form.querySelectorAll(`[name="${name}"]:not([type=radio], [type=checkbox])`);
  if (slot.contains(document.activeElement)) controls[0]?.focus(); // Retry goes
  clearRefusal(slot);
  slot.replaceChildren(...answer.childNodes);
  mark(controls, slot);
  if (answer.dataset.taken) take(controls[0], answer.dataset.taken);
}

// What was said of another field may have been about this one: the output lies in the input, the model takes no Converse.
function judgeOthers(name) {
  for (const slot of form.querySelectorAll("[data-error-slot]:has(.field-warning), [data-error-slot=model_invocation_type]:has(.field-error)")) {
    if (slot.dataset.errorSlot !== name) judge(slot.dataset.errorSlot);
  }
}

function take(control, value) {
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
}

function isJudged(control) {
  const isRow = control.closest("[data-attribute-editor]");
  return control.form === form && !isRow && control.type !== "hidden" && form.querySelector(`[data-error-slot="${control.name}"]`);
}

if (form) {
  form.addEventListener("change", (event) => {
    if (!isJudged(event.target)) return;
    judge(event.target.name);
    judgeOthers(event.target.name);
  });

  form.addEventListener("input", (event) => {
    const { target } = event;
    if (!isJudged(target) || !target.matches('[aria-invalid="true"]')) return;
    clearTimeout(waiting.get(target.name));
    waiting.set(target.name, setTimeout(() => judge(target.name), WAIT));
  });
}
