// Menus and popovers are <details>: one open at a time, closed by Escape and by a click elsewhere, arrow keys inside.
const MARGIN = 8; // pixels between a menu and the edge of the screen
const selector = "details.menu, details.popover";

function close(details, focus) {
  details.open = false;
  if (focus) details.querySelector("summary").focus();
}

function move(details, step) {
  const items = [...details.querySelectorAll(".menu-list :is(a, button):not(:disabled)")];
  const index = items.indexOf(document.activeElement);
  const next = index < 0 && step < 0 ? items.length - 1 : (index + step + items.length) % items.length;
  items[next]?.focus();
}

// A menu hangs from the right end of its button, unless it would leave the screen.
document.addEventListener(
  "toggle",
  (event) => {
    if (!event.target.matches?.("details.menu[open]")) return;
    const list = event.target.querySelector(".menu-list");
    list.style.translate = "";
    const { left } = list.getBoundingClientRect();
    if (left < MARGIN) list.style.translate = `${MARGIN - left}px`;
  },
  true,
);

document.addEventListener("click", (event) => {
  for (const details of document.querySelectorAll(`:is(${selector})[open]`)) {
    if (!details.contains(event.target)) close(details, false);
  }
});

document.addEventListener("keydown", (event) => {
  const details = event.target.closest?.(selector);
  if (!details) return;
  if (event.key === "Escape" && details.open) {
    event.stopPropagation();
    close(details, true);
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && details.matches(".menu")) {
    event.preventDefault();
    details.open = true;
    move(details, event.key === "ArrowDown" ? 1 : -1);
  }
});

document.addEventListener("focusout", (event) => {
  const details = event.target.closest?.(`:is(${selector})[open]`);
  if (details && event.relatedTarget && !details.contains(event.relatedTarget)) close(details, false);
});
