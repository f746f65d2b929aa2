// Controls with data-counter="<id>" keep the number in the element of that id true.
document.addEventListener("input", (event) => {
  const counter = document.getElementById(event.target.dataset?.counter);
  if (counter) counter.textContent = [...event.target.value].length;
});
