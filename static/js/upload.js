// Upload of files in parts, one after the other, with progress. What S3 has already is not sent again: an upload that
// was paused or broke off, or whose page was closed, goes on when the same file is chosen for the same place. What is
// left of earlier ones is listed, and can be discarded. Without script the form sends the files itself.
import { ask, showPart } from "./asking.js";

const MEMORY = "upload ";
const TRIES = 4;
const IN_THE_WAY = 409; // the file is empty, or one of its name is there

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

class Upload {
  constructor(form, file) {
    this.form = form;
    this.file = file;
    this.uri = form.elements.uri.value + file.name;
    this.memory = `${MEMORY}${this.uri} ${file.size} ${file.lastModified}`;
    this.abort = new AbortController();
  }

  async call(step, { query = "", body } = {}) {
    const headers = { "X-CSRFToken": this.form.elements.csrfmiddlewaretoken.value, Accept: "application/json" };
    const url = new URL(`../${step}/${query}`, new URL(this.form.dataset.upload, location.href));
    const response = await ask(url, { method: "POST", body, headers, signal: this.abort.signal });
    return response.json();
  }

  fields(values = {}) {
    return new URLSearchParams({ uri: this.uri, upload: this.id ?? "", size: this.file.size, ...values });
  }

  remember() {
    const { name, size } = this.file;
    localStorage.setItem(this.memory, JSON.stringify({ upload: this.id, uri: this.uri, name, size }));
  }

  async patiently(work) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (error.name === "AbortError" || !error.isPassing || attempt === TRIES) throw error;
        await pause(2 ** attempt);
      }
    }
  }

  async run(tell) {
    this.id = recalled(this.memory)?.upload ?? "";
    const replace = this.form.elements.replace.checked ? { replace: 1 } : {};
    const { upload, partSize, done } = await this.call("start", { body: this.fields(replace) });
    this.id = upload;
    this.remember();
    const count = Math.ceil(this.file.size / partSize);
    for (let number = 1; number <= count; number += 1) {
      if (!done.includes(number)) await this.patiently(() => this.send(number, partSize));
      tell(Math.min(number * partSize, this.file.size), this.file.size);
    }
    await this.patiently(() => this.call("finish", { body: this.fields() }));
    localStorage.removeItem(this.memory);
  }

  send(number, partSize) {
    const body = this.file.slice((number - 1) * partSize, number * partSize);
    const query = `?${new URLSearchParams({ uri: this.uri, upload: this.id, part: number })}`;
    return this.call("part", { query, body });
  }

  pause() {
    this.abort.abort();
  }

  async cancel() {
    this.abort.abort();
    this.abort = new AbortController();
    localStorage.removeItem(this.memory);
    if (this.id) await this.call("abort", { body: this.fields() });
  }
}

function recalled(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

const mebibytes = (bytes) => `${(bytes / 2 ** 20).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;

function show(form, isRunning) {
  form.querySelector("[data-upload-progress]").hidden = !isRunning;
  form.querySelector("[data-upload-pause]").hidden = !isRunning;
  form.querySelector("button[type=submit]").disabled = isRunning;
}

function progress(form, { what, sent, total }) {
  const percent = Math.floor((sent / total) * 100);
  form.querySelector("progress").value = percent;
  form.querySelector(".progress-value").textContent = `${percent}%`;
  form.querySelector(".progress-note").textContent = `${what}, ${mebibytes(sent)} of ${mebibytes(total)}`;
}

function iconOf(form, kind) {
  return form.querySelector(`template[data-icon="${kind}"]`)?.content.cloneNode(true);
}

// What is said is plain, a "warning" or an "error".
function say(form, text, kind = "") {
  const status = form.querySelector("[data-upload-status]");
  status.dataset.kind = kind;
  status.replaceChildren(...[iconOf(form, kind), text].filter(Boolean));
}

// Where they were uploaded to, with the first one picked if this is the chooser.
function leave(form, uri) {
  if (!form.isConnected) return;
  if (!form.closest("dialog")) return location.assign(form.dataset.uploaded);
  const url = `${form.dataset.uploaded}&pick=${encodeURIComponent(uri)}`;
  showPart(url, form.closest("dialog"));
}

// What becomes of each of several files: a line each, which stays until the next files are chosen.
class FileList {
  constructor(form, files) {
    this.form = form;
    this.list = form.querySelector("[data-upload-files]");
    this.list.querySelectorAll("li").forEach((item) => item.remove());
    this.list.hidden = files.length < 2;
    const template = this.list.querySelector("template").content.firstElementChild;
    this.items = files.map((file) => {
      const item = template.cloneNode(true);
      item.querySelector(".upload-file-name").textContent = file.name;
      this.list.append(item);
      return item;
    });
  }

  tell(index, text, kind = "") {
    if (this.list.hidden) return; // one file is spoken of in the form's own line
    const fate = this.items[index].querySelector(".upload-file-fate");
    fate.dataset.kind = kind;
    fate.replaceChildren(...[iconOf(this.form, kind), text].filter(Boolean));
  }
}

const running = new Map();
const uploaded = new WeakMap(); // of a form: the files that are there already when another one failed

// One after the other. One that cannot be uploaded holds up none of the others, and is tried again with the next press.
async function start(form, files) {
  const done = uploaded.get(form) ?? new Set();
  uploaded.set(form, done);
  say(form, "");
  show(form, true);
  const list = new FileList(form, files);
  const failures = [];
  for (const [index, file] of files.entries()) {
    const what = files.length > 1 ? `${file.name} (${index + 1} of ${files.length})` : file.name;
    const upload = new Upload(form, file);
    const failure = done.has(upload.memory) ? null : await sendOne(form, upload, what, (text) => list.tell(index, text));
    if (failure?.name === "AbortError") return show(form, false);
    if (failure) failures.push({ file, failure });
    else done.add(upload.memory);
    list.tell(index, failure ? words(file, failure) : "Uploaded", failure ? "error" : "done");
  }
  show(form, false);
  if (failures.length) return fail(form, failures, files);
  await report(form, files);
  leave(form, form.elements.uri.value + files[0].name);
}

// Why a file was not uploaded; nothing when it was.
async function sendOne(form, upload, what, tell) {
  running.set(form, upload);
  progress(form, { what, sent: 0, total: upload.file.size || 1 });
  tell("Uploading");
  try {
    await upload.run((sent, total) => progress(form, { what, sent, total }));
    return null;
  } catch (error) {
    return error;
  } finally {
    running.delete(form);
  }
}

function words(file, error) {
  return error.status === IN_THE_WAY ? error.message : `${file.name} could not be uploaded. ${error.message}`;
}

function fail(form, failures, files) {
  const canReplace = failures.some(({ file, failure }) => failure.status === IN_THE_WAY && file.size);
  if (files.length === 1) {
    const [{ file, failure }] = failures;
    const isInTheWay = failure.status === IN_THE_WAY;
    const more = isInTheWay ? "" : " Choose Upload files to go on with it.";
    say(form, words(file, failure) + more, isInTheWay ? "warning" : "error");
  } else {
    const count = files.length - failures.length;
    const others = failures.length === 1 ? "the other one" : "the others";
    say(form, `${count} of ${files.length} files uploaded. Choose Upload files to try ${others} again.`, "warning");
  }
  if (canReplace) form.elements.replace.focus();
}

// For the page that comes then: one message, and the list.
async function report(form, files) {
  const named = JSON.stringify(files.map(({ name }) => ({ name })));
  const body = new URLSearchParams({ uri: form.elements.uri.value, files: named });
  await new Upload(form, files[0]).call("report", { body }).catch(() => {});
}

async function cancel(form) {
  await running.get(form).cancel();
  say(form, "The upload was cancelled.");
}

function pauseUpload(form) {
  running.get(form)?.pause();
  say(form, "The upload is paused. Choose Upload files to go on with it.");
}

// What is left here of uploads whose page was closed.
function showLeft(form) {
  const list = form.querySelector("[data-upload-left]");
  const home = form.elements.uri.value;
  list.querySelectorAll("li").forEach((item) => item.remove());
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith(MEMORY))) {
    const left = recalled(key);
    if (left && left.uri === home + left.name) list.append(leftItem(form, list, key, left));
  }
  list.hidden = !list.querySelector("li");
}

function leftItem(form, list, key, left) {
  const item = list.querySelector("template").content.firstElementChild.cloneNode(true);
  const words = `The upload of ${left.name} (${mebibytes(left.size)}) is not finished. Choose the same file to go on with it.`;
  item.querySelector("span").textContent = words;
  item.querySelector("button").addEventListener("click", async () => {
    localStorage.removeItem(key);
    item.remove();
    list.hidden = !list.querySelector("li");
    const upload = Object.assign(new Upload(form, left), { id: left.upload });
    await upload.call("abort", { body: upload.fields() }).catch((error) => say(form, error.message, "error"));
  });
  return item;
}

const forms = () => document.querySelectorAll("form[data-upload]");

document.addEventListener("htmx:afterSettle", () => forms().forEach(showLeft));
forms().forEach(showLeft);

// Before htmx, which would send the form of a dialog as it is.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!form.matches("form[data-upload]") || !form.elements.file.files.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    start(form, [...form.elements.file.files]);
  },
  { capture: true },
);

document.addEventListener(
  "click",
  (event) => {
    if (event.target.closest("[data-upload-pause]")) return pauseUpload(event.target.closest("form"));
    const form = event.target.closest("[data-upload-cancel]")?.closest("form");
    if (!running.has(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    cancel(form);
  },
  { capture: true },
);

window.addEventListener("beforeunload", (event) => {
  if (running.size) event.preventDefault();
});
