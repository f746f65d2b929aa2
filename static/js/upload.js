// Upload of a large file in parts, with progress. What S3 has already is not sent again: an upload that broke off, or
// whose page was closed, goes on when the same file is chosen for the same place. Small files go by the form itself.
const SMALL = 5 * 2 ** 20;
const TRIES = 4;

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

class Upload {
  constructor(form, file) {
    this.form = form;
    this.file = file;
    this.uri = form.elements.uri.value + file.name;
    this.memory = `upload ${this.uri} ${file.size} ${file.lastModified}`;
    this.abort = new AbortController();
  }

  async call(step, { query = "", body } = {}) {
    const headers = { "X-CSRFToken": this.form.elements.csrfmiddlewaretoken.value };
    const url = new URL(`../${step}/${query}`, new URL(this.form.dataset.upload, location.href));
    const response = await fetch(url, { method: "POST", body, headers, signal: this.abort.signal });
    const answer = await response.json().catch(() => ({ message: `The server answered ${response.status}.` }));
    if (response.ok) return answer;
    throw Object.assign(new Error(answer.message), { isFinal: response.status < 500 });
  }

  fields(values = {}) {
    return new URLSearchParams({ uri: this.uri, upload: this.id ?? "", size: this.file.size, ...values });
  }

  async patiently(work) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (error.name === "AbortError" || error.isFinal || attempt === TRIES) throw error;
        await pause(2 ** attempt);
      }
    }
  }

  async run(tell) {
    this.id = localStorage.getItem(this.memory) ?? "";
    const { upload, partSize, done } = await this.call("start", { body: this.fields() });
    this.id = upload;
    localStorage.setItem(this.memory, upload);
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

  async cancel() {
    this.abort.abort();
    this.abort = new AbortController();
    localStorage.removeItem(this.memory);
    if (this.id) await this.call("abort", { body: this.fields() });
  }
}

const mebibytes = (bytes) => `${(bytes / 2 ** 20).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;

function show(form, isRunning) {
  form.querySelector("[data-upload-progress]").hidden = !isRunning;
  form.querySelector("button[type=submit]").disabled = isRunning;
}

function progress(form, sent, total) {
  const percent = Math.floor((sent / total) * 100);
  form.querySelector("progress").value = percent;
  form.querySelector(".progress-value").textContent = `${percent}%`;
  form.querySelector(".progress-note").textContent = `${mebibytes(sent)} of ${mebibytes(total)}`;
}

// Where it was uploaded to, with the file picked if this is the chooser.
function leave(form, uri) {
  if (!form.isConnected) return;
  if (!form.closest("dialog")) return location.assign(form.dataset.uploaded);
  const url = `${form.dataset.uploaded}&pick=${encodeURIComponent(uri)}`;
  window.htmx.ajax("GET", url, { target: form.closest("dialog"), swap: "innerHTML" });
}

const running = new Map();

async function start(form, file) {
  const upload = new Upload(form, file);
  const status = form.querySelector("[data-upload-status]");
  running.set(form, upload);
  status.textContent = "";
  show(form, true);
  progress(form, 0, file.size);
  try {
    await upload.run((sent, total) => progress(form, sent, total));
    running.delete(form);
    leave(form, upload.uri);
  } catch (error) {
    running.delete(form);
    show(form, false);
    if (error.name === "AbortError") return;
    status.textContent = `${file.name} could not be uploaded. ${error.message} Choose Upload file to go on with it.`;
  }
}

async function cancel(form) {
  await running.get(form).cancel();
  form.querySelector("[data-upload-status]").textContent = "The upload was cancelled.";
}

// Before htmx, which would send the form of a dialog as it is.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    const file = form.matches("form[data-upload]") && form.elements.file.files[0];
    if (!file || file.size < SMALL) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    start(form, file);
  },
  { capture: true },
);

document.addEventListener(
  "click",
  (event) => {
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
