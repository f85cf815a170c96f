/* Where the values go: a broker, tested before it is saved; or nowhere. */

import { get, post, put as send } from "./api.js";
import { field, form, h, note, put, secret, unique } from "./dom.js";
import { explain } from "./password.js";
import { sentence, t } from "./text.js";

const HOME_ASSISTANT = "homeassistant.local";

/** `done()` is called when that is settled; `restart()` if it needs one. */
export function wherePanel({ done = () => {}, restart = () => {} } = {}) {
  const element = h("div", { class: "stack" }, h("p", { class: "quiet" }, t("loading")));
  get("/api/settings").then(({ mqtt }) => build(element, mqtt ?? {}, done, restart),
    (error) => put(element, h("p", { class: "problem" }, explain(error))));
  return element;
}

function build(element, mqtt, done, restart) {
  const group = unique();
  const now = !mqtt.host ? "nowhere" : mqtt.host.startsWith("homeassistant") ? "homeassistant" : "mqtt";
  const plain = { autocapitalize: "off", spellcheck: "false", autocomplete: "off" };
  const host = field(t("mqtt.host"), { name: "host", inputmode: "url", value: mqtt.host ?? "", ...plain });
  const port = field(t("mqtt.port"), { name: "port", inputmode: "numeric", value: String(mqtt.port ?? 1883), ...plain });
  const user = field(t("mqtt.user"), { name: "user", value: mqtt.user ?? "", ...plain });
  const password = secret(t("mqtt.password"), t("show"), { name: "mqtt-password", autocomplete: "off" },
    mqtt.password === true ? t("mqtt.password.set") : null);
  const broker = h("div", { class: "stack" }, h("div", { class: "pair" }, host, port), user, password);
  const result = note();
  const button = h("button");
  const fields = { "mqtt.host": host, "mqtt.port": port, "mqtt.user": user, "mqtt.password": password };
  let where;

  function pick(name) {
    where = name;
    broker.hidden = name === "nowhere";
    button.textContent = t(name === "nowhere" ? "save" : "mqtt.test");
    if (name === "homeassistant" && !host.input.value) host.input.value = HOME_ASSISTANT;
    if (name === "mqtt" && host.input.value === HOME_ASSISTANT) host.input.value = "";
    result.clear();
  }

  async function save(document) {
    const { restart: needed } = await send("/api/settings", document);
    if (needed) restart();
    result.show("good", t(where === "nowhere" ? "mqtt.off" : "mqtt.ok"));
    done();
  }

  async function submit() {
    try {
      if (where === "nowhere") return await save({ mqtt: { host: "" } });
      if (!host.input.value.trim()) return host.blame(t("mqtt.host.missing"));
      const asked = { host: host.input.value.trim(), port: Number(port.input.value), user: user.input.value };
      if (!Number.isInteger(asked.port) || asked.port < 1 || asked.port > 65_535) return port.blame(t("error.not-in-range"));
      if (password.input.value) asked.password = password.input.value;
      result.show("wait", t("mqtt.testing"));
      const { result: code } = await post("/api/mqtt/test", asked);
      if (code !== "ok") return result.show("bad", sentence("mqtt", code));
      await save({ mqtt: asked });
    } catch (error) {
      result.clear();
      if (fields[error.setting]) fields[error.setting].blame(explain(error));
      else result.show("bad", explain(error));
    }
  }

  const choice = (name) => h("label", { class: "choice" },
    h("input", { type: "radio", name: group, checked: name === now, onchange: () => pick(name) }),
    h("span", null, t(`where.${name}`), h("small", null, t(`where.${name}.hint`))));
  put(element, form(submit, h("div", { class: "stack" },
    h("fieldset", null, h("legend", { class: "unseen" }, t("where.title")),
      h("div", { class: "choices" }, ["nowhere", "homeassistant", "mqtt"].map(choice))),
    broker, result, h("div", { class: "row" }, button))));
  pick(now);
}
