// The widths of the job list's columns: dragged at the right edge of a heading, or changed there with the arrow keys.
// The server renders the widths it keeps, so that nothing moves when the page loads, and is told each new one.
const STEP = 16; // pixels an arrow key changes
const WAIT = 500; // milliseconds without a change before it is told
const region = document.querySelector("[data-live]");
let widths = null; // pixels by column, once one was changed here
let drag = null;
let saving = 0;

const table = () => region.querySelector("[data-widths]");
const handles = () => [...region.querySelectorAll(".table-resize")];
const measured = (handle) => Math.ceil(handle.closest("th").getBoundingClientRect().width);

// Whole pixels, rounded up so that no text is cut off by a part of one. The last column takes what the others leave:
// unless it is changed itself it keeps the width it has been given, and gives way for what was rounded up.
function measure() {
  widths = new Map(handles().map((handle) => [handle.dataset.column, measured(handle)]));
  const last = handles().at(-1);
  widths.set(last.dataset.column, Math.min(last.dataset.width, measured(last) - widths.size));
}

function show() {
  if (!table()) return;
  if (widths) lay();
  const { narrowest, widest } = table().dataset;
  for (const handle of handles()) {
    handle.ariaOrientation = "vertical";
    [handle.ariaValueMin, handle.ariaValueNow, handle.ariaValueMax] = [narrowest, measured(handle), widest];
  }
}

function lay() {
  const columns = [...table().querySelectorAll("col")].slice(1);
  let sum = table().querySelector("th").offsetWidth;
  for (const [index, { dataset }] of handles().entries()) {
    const width = widths.get(dataset.column) ?? Number(dataset.width);
    if (index < columns.length - 1) columns[index].width = width;
    sum += width;
  }
  table().setAttribute("width", sum);
  table().dataset.resized = "";
}

function resize(handle, width) {
  if (!widths) measure();
  const { narrowest, widest } = table().dataset;
  widths.set(handle.dataset.column, Math.round(Math.min(Math.max(width, narrowest), widest)));
  show();
  clearTimeout(saving);
  saving = setTimeout(save, WAIT);
}

function save() {
  const text = [...widths].map(([name, width]) => `${name}-${width}`).join(".");
  // What could not be told is told with the next change.
  window.htmx.ajax("POST", table().dataset.widths, { values: { widths: text }, swap: "none" }).catch(() => {});
}

region.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest(".table-resize");
  if (!handle || event.button) return;
  event.preventDefault();
  handle.focus({ focusVisible: false });
  handle.setPointerCapture(event.pointerId);
  drag = { handle, offset: event.clientX - measured(handle) };
});

region.addEventListener("pointermove", (event) => {
  if (drag) resize(drag.handle, event.clientX - drag.offset);
});

region.addEventListener("lostpointercapture", () => {
  drag = null;
});

region.addEventListener("keydown", (event) => {
  const handle = event.target.closest(".table-resize");
  const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
  if (!handle || !step) return;
  event.preventDefault();
  resize(handle, measured(handle) + step);
});

region.addEventListener("live:after", show);
show();
