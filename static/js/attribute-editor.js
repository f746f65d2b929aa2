// Rows of key and value: added and removed in place, numbered without gaps, announced, with the focus where it was.
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
    row.querySelector("button[name^=remove_]").value = number;
  });
  editor.querySelector(`[name="${prefix}-TOTAL_FORMS"]`).value = rows.length;
  showLimit(editor, rows.length);
}

function showLimit(editor, count) {
  const { item, limit, attributeEditor: prefix } = editor.dataset;
  const left = limit - count;
  const more = `You can add up to ${left} more ${item}${left === 1 ? "" : "s"}.`;
  const texts = { [limit]: `You can add up to ${limit} ${item}s.`, 0: `You have reached the limit of ${limit} ${item}s.` };
  document.getElementById(`${prefix}-limit`).textContent = texts[left] ?? more;
  editor.querySelector("button[name^=add_]").setAttribute("aria-disabled", String(left <= 0));
  editor.querySelector(".attribute-empty").hidden = count > 0;
}

function add(editor) {
  const rows = editor.querySelector(".attribute-rows");
  if (rows.children.length >= Number(editor.dataset.limit)) return;
  rows.append(editor.querySelector("template").content.cloneNode(true));
  renumber(editor);
  rows.lastElementChild.querySelector("input").focus();
}

function remove(editor, row) {
  const next = row.nextElementSibling;
  row.remove();
  renumber(editor);
  (next?.querySelector("input") ?? editor.querySelector("button[name^=add_]")).focus();
  editor.querySelector("[data-announcer]").textContent = "Item removed";
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
