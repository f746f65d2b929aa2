// Keeps relative times true while the page stays open, and tells the server the browser's time zone.
import { remember } from "./cookies.js";

const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

export function ago(date, now = new Date()) {
  const seconds = (now - date) / 1000;
  for (const [name, size] of units) {
    const count = Math.floor(Math.abs(seconds) / size);
    if (count < 1) continue;
    const words = `${count} ${name}${count === 1 ? "" : "s"}`;
    return seconds > 0 ? `${words} ago` : `in ${words}`;
  }
  return "Now";
}

const short = (text) =>
  text.replace(/minutes?/, "min").replace(/hours?/, "h").replace(/days?/, "d").replace(/months?/, "mo").replace(/years?/, "y");

function refresh() {
  for (const element of document.querySelectorAll("time[data-relative]")) {
    const words = ago(new Date(element.dateTime));
    const text = { short: short(words).replace(" ago", ""), "short-ago": short(words) }[element.dataset.relative] ?? words;
    if (element.textContent !== text) element.textContent = text;
  }
}

setInterval(refresh, 30000);
remember("browser-zone", Intl.DateTimeFormat().resolvedOptions().timeZone);
