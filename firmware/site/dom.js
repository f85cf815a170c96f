/* Elements made by functions. No markup as text: nothing a network or a meter says can become a tag. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. attributes: {class: "..", onclick: function, hidden: true, ..}; true sets an empty
 * attribute; false, null and undefined set none. children: nodes, text, or null; nested as you like.
 */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(9).filter((child) => child != null && child !== false));
  return element;
}

/** Put `children` in the place of what is in `element`. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(9).filter((child) => child != null && child !== false));
  return element;
}

/** Set an element's text, and touch the page only if it is another one. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let number = 0;

/** A name for an element that no other has. */
export const unique = () => `n${++number}`;

/**
 * A labelled input. attributes are the input's; `hint` stands below it. The result has `.input` and
 * `.blame(text)`, which shows (or with "" takes away) why what was entered is wrong.
 */
export function field(label, attributes, hint) {
  const id = unique();
  const tag = attributes.rows ? "textarea" : "input";
  const { value, ...rest } = attributes;
  const problem = h("p", { class: "problem", id: `${id}p`, role: "alert" });
  const described = hint ? `${id}h ${id}p` : `${id}p`;
  const input = h(tag, { id, "aria-describedby": described, ...rest });
  if (value != null) input.value = value;
  const box = h("div", { class: "field" }, h("label", { for: id }, label), input,
    hint && h("p", { class: "hint", id: `${id}h` }, hint), problem);
  box.input = input;
  box.blame = (text) => {
    problem.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    // Not while the owner is busy elsewhere: a test may take long.
    const at = document.activeElement;
    if (text && (at === document.body || input.form?.contains(at))) input.focus();
  };
  input.addEventListener("input", () => problem.textContent && box.blame(""));
  return box;
}

/** A password's field, with a switch that shows what is typed. */
export function secret(label, show, attributes, hint) {
  const box = field(label, { type: "password", autocapitalize: "off", spellcheck: "false", ...attributes }, hint);
  const toggle = h("input", { type: "checkbox", onchange: () => {
    box.input.type = toggle.checked ? "text" : "password";
  } });
  box.append(h("label", { class: "check" }, toggle, show));
  return box;
}

/**
 * A form whose submission calls `send`; its buttons are shut meanwhile, so that nothing is sent twice.
 */
export function form(send, ...children) {
  const element = h("form", { novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    if (element.getAttribute("aria-busy")) return;
    element.setAttribute("aria-busy", "true");
    try {
      await send();
    } finally {
      element.removeAttribute("aria-busy");
    }
  } }, ...children);
  return element;
}

/** A sentence that screen readers say when it changes. tone: "", "good", "wait" or "bad". */
export function note() {
  const element = h("div", { class: "note", role: "status" });
  element.show = (tone, ...children) => {
    element.dataset.tone = tone;
    put(element, ...children);
  };
  element.clear = () => element.show("");
  return element;
}
