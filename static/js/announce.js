// What a screen reader is told of something that has changed on the page.
const status = document.getElementById("live-status");

// A text that is there already is not read once more.
export function announce(text) {
  if (status.textContent !== text) status.textContent = text;
}

export function announceAgain(text) {
  status.textContent = "";
  setTimeout(() => announce(text), 100);
}
