// Forms with data-security-key: before one is sent, the browser asks for a security key and its answer goes with it.
// "create" makes a credential and "get" uses one, with the options that the page holds; "fetch" asks for them first.
const { webauthnJSON } = window; // of allauth's script

async function options(kind, form) {
  if (kind !== "fetch") return JSON.parse(document.getElementById("security-key-options").textContent);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  return (await answer.json()).request_options;
}

function ask(kind, found, form) {
  if (kind !== "create") return webauthnJSON.get(found);
  const isAlone = form.querySelector("[name=passwordless]")?.checked ?? false;
  const selection = found.publicKey.authenticatorSelection;
  selection.residentKey = isAlone ? "required" : "discouraged";
  selection.requireResidentKey = isAlone;
  if (isAlone) selection.userVerification = "required";
  return webauthnJSON.create(found);
}

// A key belongs to a name; a browser's own message at an address is "This is an invalid domain".
const IP_ADDRESS = /^[\d.]+$|^\[/;

function reason(error) {
  if (error.name !== "SecurityError" || !IP_ADDRESS.test(location.hostname)) return error.message;
  return "Browsers use keys only where the address is a name, such as localhost, and not an IP address.";
}

function complain(form, error) {
  const note = form.querySelector("[data-security-key-error]") ?? form.appendChild(document.createElement("p"));
  note.dataset.securityKeyError = "";
  note.setAttribute("role", "alert");
  note.textContent = `The security key was not used: ${reason(error)}`;
}

for (const holder of document.querySelectorAll("[data-security-key]")) {
  const form = holder.matches("form") ? holder : holder.querySelector("form");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const kind = holder.dataset.securityKey;
      const credential = await ask(kind, await options(kind, form), form);
      form.querySelector("[name=credential]").value = JSON.stringify(credential);
      form.submit();
    } catch (error) {
      complain(form, error);
    }
  });
}
