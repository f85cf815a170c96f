/* Where the values go: a broker, tested before it is saved; or nowhere. */

import { get, post, put as send } from "./api.js";
import { field, form, h, note, put, secret, unique } from "./dom.js";
import { explain } from "./password.js";
import { sentence, t } from "./text.js";

const HOME_ASSISTANT = "homeassistant.local";
const WANTS_LOGIN = ["mqtt-login", "mqtt-not-authorised"];

/** `done()` is called when that is settled; `restart(needed)` says if it needs one. */
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
  const search = note();
  const choices = h("div", { class: "stack" });
  const again = h("button", { type: "button", class: "second", hidden: true, onclick: () => find() }, t("where.again"));
  const broker = h("div", { class: "stack" }, search, choices, h("div", { class: "row" }, again),
    h("div", { class: "pair" }, host, port), user, password);
  const result = note();
  const button = h("button");
  const fields = { "mqtt.host": host, "mqtt.port": port, "mqtt.user": user, "mqtt.password": password };
  let where;
  let found = null; // by the dongle, in the network
  let offered = port.input.value; // the last port that the owner did not enter

  function pick(name, byOwner) {
    where = name;
    broker.hidden = name === "nowhere";
    button.textContent = t(name === "nowhere" ? "save" : "mqtt.test");
    const other = found?.some((one) => one.kind !== name && one.host === host.input.value);
    if (other || (name === "mqtt" && host.input.value === HOME_ASSISTANT)) host.input.value = "";
    if (name === "homeassistant" && !host.input.value) host.input.value = HOME_ASSISTANT;
    result.clear();
    search.clear();
    put(choices);
    if (name !== "nowhere" && found) offer();
    else if (name !== "nowhere" && byOwner) find();
    else again.hidden = false;
  }

  async function find() {
    again.hidden = true;
    put(choices);
    search.show("wait", t("where.searching"));
    try {
      ({ found } = await post("/api/mqtt/find"));
    } catch (error) {
      again.hidden = false;
      return search.show("bad", explain(error));
    }
    if (where !== "nowhere") offer();
  }

  function offer() {
    const fitting = found.filter(({ kind }) => kind === where);
    const untouched = ["", HOME_ASSISTANT].includes(host.input.value) && !user.input.value
      && !password.input.value && port.input.value === offered && !broker.contains(document.activeElement);
    again.hidden = false;
    search.show("", fitting.length ? [] : t(`where.none.${where}`));
    put(choices, fitting.map((one) => h("button", { type: "button", class: "second", onclick: () => take(one) },
      t(one.name ? `where.found.${where}` : "where.found", one))));
    if (where === "homeassistant" && fitting.length === 1 && untouched) take(fitting[0]);
  }

  // Is there a broker? Whether it lets just anybody in is another matter.
  async function take(one) {
    host.input.value = one.host;
    port.input.value = offered = String(one.port);
    host.blame("");
    const wait = h("span", null, t("mqtt.testing"));
    search.show("wait", wait);
    const { result: code, error } = await post("/api/mqtt/test", { host: one.host, port: one.port, user: "", password: "" })
      .catch((error) => ({ error }));
    // The fields are another broker's by now: nobody wants to know any more.
    if (host.input.value !== one.host || port.input.value !== String(one.port)) return wait.isConnected && search.clear();
    if (error) search.show("bad", explain(error));
    else if (code === "ok" || WANTS_LOGIN.includes(code)) search.show("good", t(code === "ok" ? "where.there" : "where.there.login", one));
    else search.show("bad", code === "mqtt-refused" && where === "homeassistant" ? t("where.there.none", one) : sentence("mqtt", code));
  }

  async function save(document) {
    restart((await send("/api/settings", document)).restart);
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
      if (code !== "ok") return result.show("bad", failure(code, asked.host));
      await save({ mqtt: asked });
    } catch (error) {
      result.clear();
      if (fields[error.setting]) fields[error.setting].blame(explain(error));
      else result.show("bad", explain(error));
    }
  }

  // A name of the network's own is asked of everybody in it, not of a name server.
  const failure = (code, host) => (code === "dns-no-answer" && host.endsWith(".local")
    ? t("mqtt.nobody", { host }) : sentence("mqtt", code));

  const choice = (name) => h("label", { class: "choice" },
    h("input", { type: "radio", name: group, checked: name === now, onchange: () => pick(name, true) }),
    h("span", null, t(`where.${name}`), h("small", null, t(`where.${name}.hint`))));
  put(element, form(submit, h("div", { class: "stack" },
    h("fieldset", null, h("legend", { class: "unseen" }, t("where.title")),
      h("div", { class: "choices" }, ["nowhere", "homeassistant", "mqtt"].map(choice))),
    broker, result, h("div", { class: "row" }, button))));
  pick(now, false);
}
