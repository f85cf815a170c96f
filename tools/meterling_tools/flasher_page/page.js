// The page of the web flasher: language, choice of the board, and esp-web-tools' button.
import "esp-web-tools/dist/install-button.js";

const LABEL = { de: "Aufspielen", en: "Install" };
const root = document.documentElement;
const find = (selector) => document.querySelector(selector);
const findAll = (selector) => [...document.querySelectorAll(selector)];

function speak(language) {
  root.lang = language;
  for (const button of findAll("[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === language);
  }
  for (const button of findAll("#install button")) {
    button.textContent = LABEL[language];
  }
}

function choose(name) {
  for (const section of findAll(".wiring")) {
    section.hidden = section.dataset.board !== name;
  }
  // A button of esp-web-tools reads its manifest once: another board gets another one.
  const install = document.createElement("esp-web-install-button");
  install.setAttribute("manifest", `boards/${name}/manifest.json`);
  const button = document.createElement("button");
  button.slot = "activate";
  button.textContent = LABEL[root.lang];
  // The page says it itself, in the reader's language.
  const unsupported = document.createElement("span");
  unsupported.slot = "unsupported";
  const insecure = document.createElement("span");
  insecure.slot = "not-allowed";
  install.append(button, unsupported, insecure);
  find("#install").replaceChildren(install);
  find("#install").hidden = false;
  find("#choose").hidden = true;
}

speak(navigator.language.startsWith("de") ? "de" : "en");
find("#insecure").hidden = window.isSecureContext;
find("#unsupported").hidden = !window.isSecureContext || "serial" in navigator;
for (const button of findAll("[data-language]")) {
  button.addEventListener("click", () => speak(button.dataset.language));
}
for (const input of findAll("input[name=board]")) {
  input.addEventListener("change", () => choose(input.value));
  if (input.checked) choose(input.value); // the browser remembers it over a reload
}
