// Opens and closes the side navigation and the help panel. On a narrow screen they cover the page and are not remembered.
import { remember } from "./cookies.js";

const layout = document.querySelector(".layout");
const narrow = window.matchMedia("(max-width: 687px), (max-width: 911px) and (max-height: 559px)");
const panels = { navigation: "side-navigation", help: "help-panel" };

export function isOpen(name) {
  return narrow.matches ? layout.dataset.drawer === name : layout.dataset[name] === "open";
}

export function setPanel(name, open) {
  if (narrow.matches) {
    layout.dataset.drawer = open ? name : "";
  } else {
    layout.dataset[name] = open ? "open" : "closed";
    const form = document.querySelector('.content[data-content="form"]');
    if (name === "help" || !form) remember(name, layout.dataset[name]);
  }
  showState();
}

export function togglePanel(name) {
  const open = !isOpen(name);
  setPanel(name, open);
  const panel = document.getElementById(panels[name]);
  const opener = document.querySelector(`.layout-toggle[data-toggle="${name}"]`);
  (open ? panel.querySelector("[data-toggle]") : opener).focus();
}

function showState() {
  for (const button of document.querySelectorAll("[data-toggle]")) {
    button.setAttribute("aria-expanded", String(isOpen(button.dataset.toggle)));
  }
}

if (layout) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-toggle]");
    if (button) togglePanel(button.dataset.toggle);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && layout.dataset.drawer) togglePanel(layout.dataset.drawer);
  });
  narrow.addEventListener("change", showState);
  showState();
}
