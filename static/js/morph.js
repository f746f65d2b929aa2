// Makes one element like a newer rendering of it, changing no more than differs. Focus, selection, scroll, typed text
// and opened menus stay, because the elements that have them stay. What has data-keep (a form opened in place) stays whole,
// and so does what the page has put in by itself (data-refused).
const kept = new Set(["open", "aria-expanded", "data-watched", "style", "tabindex"]);

export function morph(old, fresh) {
  if (old.isEqualNode(fresh) || old.dataset?.keep !== undefined) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh.cloneNode(true));
  } else if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
  } else {
    morphAttributes(old, fresh);
    morphChildren(old, fresh);
  }
}

function morphAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (!kept.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.matches("input:not([type=checkbox], [type=radio])") && old !== document.activeElement) {
    old.value = fresh.getAttribute("value") ?? "";
  }
}

// Children with an id are found again wherever they moved; the others are paired in order.
function morphChildren(old, fresh) {
  let next = sent(old.firstChild);
  for (const wanted of [...fresh.childNodes]) {
    const same = wanted.id ? [...old.children].find((child) => child.id === wanted.id) : pair(next, wanted);
    if (!same) {
      old.insertBefore(wanted.cloneNode(true), next);
    } else {
      if (same === next) next = sent(next.nextSibling);
      else old.insertBefore(same, next);
      morph(same, wanted);
    }
  }
  while (next) {
    const gone = next;
    next = sent(next.nextSibling);
    gone.remove();
  }
}

// The node, or the next one that has come from the server.
function sent(node) {
  return node?.dataset?.refused === undefined ? node : sent(node.nextSibling);
}

function pair(candidate, wanted) {
  return candidate && !candidate.id && candidate.nodeName === wanted.nodeName ? candidate : null;
}
