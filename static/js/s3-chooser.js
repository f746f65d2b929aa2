// An S3 location: View and Browse S3 follow what is typed, and the chooser's dialog writes its choice into the field.
import "./upload.js";

const VALID = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/;

function follow(location) {
  const input = location.querySelector("input");
  const uri = encodeURIComponent(input.value.trim());
  const view = location.querySelector("[data-s3-view]");
  if (VALID.test(input.value.trim())) {
    view.href = `${location.dataset.s3Location}?uri=${uri}`;
    view.removeAttribute("aria-disabled");
    view.removeAttribute("role");
  } else {
    view.removeAttribute("href");
    view.setAttribute("aria-disabled", "true");
    view.setAttribute("role", "link");
  }
  const browse = location.querySelector("[data-s3-browse]");
  const model = document.getElementById(location.dataset.s3Model);
  const of = model ? `&model_id=${encodeURIComponent(model.value.trim())}` : "";
  browse.dataset.dialog = `${location.dataset.s3Location}?choose=${browse.value}&uri=${uri}${of}`;
  browse.dataset.loading = uri ? "Loading objects" : "Loading buckets";
}

function choose(chooser) {
  const picked = chooser.querySelector("[name=s3_pick]:checked");
  const input = document.getElementById(`id_${chooser.dataset.s3Chooser}`);
  if (!picked || !input) return;
  input.value = picked.value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
  chooser.closest("dialog").close();
}

document.addEventListener("input", (event) => {
  const location = event.target.closest("[data-s3-location]");
  if (location && event.target.type === "text") follow(location);
  document.querySelectorAll(`[data-s3-model="${CSS.escape(event.target.id)}"]`).forEach(follow);
});

document.addEventListener("change", (event) => {
  const chooser = event.target.closest("[data-s3-chooser]");
  if (!chooser || event.target.name !== "s3_pick") return;
  chooser.querySelector("[data-s3-choose]").disabled = false;
  chooser.querySelector("#s3-picked")?.replaceChildren(); // a folder's own sum is on its way
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-s3-choose]");
  if (button) choose(button.closest("[data-s3-chooser]"));
});

document.addEventListener("dblclick", (event) => {
  const chooser = event.target.closest("[data-s3-chooser]");
  const radio = chooser && event.target.closest("tr")?.querySelector("[name=s3_pick]");
  if (radio && !radio.disabled) {
    radio.checked = true;
    choose(chooser);
  }
});

// What was typed since a search was asked for is not to be lost to its answer; the next search is on its way.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { elt, formData } = detail.requestConfig;
  if (!elt.matches("[data-s3-search]")) return;
  if (elt.querySelector("[name=find]").value !== formData.get("find")) detail.shouldSwap = false;
});

// A step inside the dialog replaces the link that had the focus.
document.addEventListener("htmx:afterSettle", (event) => {
  const isNowhere = document.activeElement === document.body || document.activeElement.matches("dialog");
  if (isNowhere && event.target.querySelector?.("[data-s3-chooser]")) {
    event.target.querySelector("#s3-heading, h2[tabindex]")?.focus();
  }
});

document.querySelectorAll("[data-s3-location]").forEach(follow);
