// Rows of key and value: added and removed in place, numbered without gaps, announced, with the focus where it was.
import { announceAgain } from "./announce.js";

const CONTROL = "input:not([type=hidden])";

function renumber(editor) {
  const prefix = editor.dataset.attributeEditor;
  const rows = editor.querySelectorAll(".attribute-row");
  rows.forEach((row, number) => {
    for (const element of row.querySelectorAll("*")) {
      for (const { name, value } of [...element.attributes]) {
        if (value.includes(`${prefix}-`)) {
          element.setAttribute(name, value.replace(new RegExp(`${prefix}-(\\d+|__prefix__)-`), `${prefix}-${number}-`));
        }
      }
    }
    for (const button of row.querySelectorAll("button[name]")) button.value = number;
  });
  editor.querySelector(`[name="${prefix}-TOTAL_FORMS"]`).value = rows.length;
  showLimit(editor, rows.length - editor.querySelectorAll(".attribute-row[data-removed]").length);
}

function showLimit(editor, count) {
  const { item, limit, attributeEditor: prefix } = editor.dataset;
  const left = limit - count;
  const more = `You can add up to ${left} more ${item}${left === 1 ? "" : "s"}.`;
  const texts = { [limit]: `You can add up to ${limit} ${item}s.`, 0: `You have reached the limit of ${limit} ${item}s.` };
  const exceeded = `You have exceeded the limit of ${limit} ${item}s.`;
  document.getElementById(`${prefix}-limit`).textContent = left < 0 ? exceeded : (texts[left] ?? more);
  editor.querySelector("button[name^=add_]").setAttribute("aria-disabled", String(left <= 0));
  editor.querySelector(".attribute-empty").hidden = editor.querySelector(".attribute-row") !== null;
}

function add(editor) {
  const rows = editor.querySelector(".attribute-rows");
  if (editor.querySelector("button[name^=add_]").getAttribute("aria-disabled") === "true") return;
  rows.append(editor.querySelector("template").content.cloneNode(true));
  renumber(editor);
  rows.lastElementChild.querySelector(CONTROL).focus();
}

// A tag the resource has already is only marked, so that it can be taken back until all is saved.
function mark(editor, row, isRemoved) {
  row.toggleAttribute("data-removed", isRemoved);
  row.querySelector("[name$=-removed]").value = isRemoved ? "1" : "";
  const value = row.querySelector("[name$=-value]");
  value.readOnly = isRemoved;
  renumber(editor);
  (isRemoved ? row.querySelector("button[name^=undo_]") : value).focus();
}

function remove(editor, row) {
  if (row.querySelector("button[name^=undo_]")) return mark(editor, row, true);
  const next = row.nextElementSibling;
  row.remove();
  renumber(editor);
  (next?.querySelector(CONTROL) ?? editor.querySelector("button[name^=add_]")).focus();
  announceAgain("Item removed");
  editor.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const editor = button?.closest("[data-attribute-editor]");
  if (!editor) return;
  if (button.name.startsWith("add_")) {
    event.preventDefault();
    add(editor);
  } else if (button.name.startsWith("remove_")) {
    event.preventDefault();
    remove(editor, button.closest(".attribute-row"));
  } else if (button.name.startsWith("undo_")) {
    event.preventDefault();
    mark(editor, button.closest(".attribute-row"), false);
  } else if (button.matches("[data-clear]")) {
    const input = button.parentElement.querySelector("input");
    input.value = "";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.focus();
  }
});

document.addEventListener("input", (event) => {
  const row = event.target.closest(".attribute-row");
  if (row && event.target.name.endsWith("-key")) {
    row.querySelector("button[name^=remove_]").setAttribute("aria-label", `Remove ${event.target.value || "tag"}`);
  }
});
