// A job that somebody watches: [data-watch] asks the browser for permission when it is pressed, never before, and a
// notification comes when the job has ended. Its page goes on asking for news while the tab is hidden. What is watched is
// remembered by the tab, not by the server.
import { announce } from "./announce.js";

const job = document.getElementById("job");
const key = `watched-${location.pathname}`;
let note = "";

const isWatched = () => sessionStorage.getItem(key) === "yes";
const isEnded = () => "ended" in job.dataset;

function show() {
  job.toggleAttribute("data-watched", isWatched());
  const button = job.querySelector("[data-watch]");
  if (button) button.textContent = isWatched() ? "Don't notify me" : "Notify me when it ends";
  for (const place of job.querySelectorAll("[data-watch-note]")) place.textContent = note;
}

function forget() {
  sessionStorage.removeItem(key);
  show();
}

async function watch() {
  const answer = "Notification" in window ? await Notification.requestPermission() : "denied";
  if (answer === "granted") {
    sessionStorage.setItem(key, "yes");
  } else {
    note = "Notifications are blocked in this browser.";
  }
  show();
  announce(note || "This page notifies you while it is open.");
}

function tell() {
  const name = document.getElementById("job-title").textContent;
  const shown = new Notification(`${name} has ended`, { body: job.dataset.spoken, tag: key });
  shown.addEventListener("click", () => {
    window.focus();
    shown.close();
  });
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-watch]")) return;
  note = "";
  if (isWatched()) forget();
  else watch();
});

job.addEventListener("live:after", () => {
  if (isWatched() && isEnded()) {
    note = "";
    tell();
    forget();
  } else {
    show();
  }
});

// Between two visits of this tab the job may have ended, or the permission may have been taken back.
if (isWatched() && (isEnded() || window.Notification?.permission !== "granted")) forget();
else show();
