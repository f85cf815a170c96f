/* A new version, from a file or fetched by the dongle: watched, and what became of it in words. */

import { get, pause, post, put as change } from "./api.js";
import { field, form, h, note, put } from "./dom.js";
import { explain } from "./password.js";
import { has, sentence, t } from "./text.js";

const LARGEST = 1 << 20; // bytes; API.md

/** `back()` waits until the dongle answers again. */
export function updatePanel(back) {
  const element = h("div", { class: "stack" }, h("p", { class: "quiet" }, t("loading")));
  get("/api/update").then((found) => put(element, build(found, back)),
    (error) => put(element, h("p", { class: "problem" }, explain(error))));
  return element;
}

function build(found, back) {
  const { tried, outcome, obstacle, url } = found;
  const last = tried ? ["wait", t("up.tried")]
    : outcome && [outcome === "ok" ? "good" : "bad", sentence("up.was", outcome)];
  const lines = [
    h("p", { class: "quiet" }, t("up.runs", found), " ", found.other && t("up.other", found)),
    last && h("p", { class: "note", "data-tone": last[0] }, last[1]),
  ];
  if (obstacle) return [...lines, h("p", null, sentence("up.no", obstacle))];

  const file = field(t("up.file"), { type: "file", accept: ".release" });
  const bar = h("progress", { "aria-label": t("up.title"), hidden: true });
  const result = note();
  const send = async (path, data) => {
    let over = false;
    const answer = post(path, data).finally(() => { over = true; });
    watch(bar, result, () => over);
    try {
      await answer;
      result.show("wait", t("up.done"));
      await back();
      location.reload();
    } catch (error) {
      const { code } = error;
      result.show("bad", h("p", null, has(`up.no.${code}`) ? sentence("up.no", code) : explain(error)),
        code === "downgrade" && h("button", { type: "button", class: "second", onclick: () => send(`${path}?force=1`, data) }, t("up.force")));
    } finally {
      bar.hidden = true;
    }
  };
  const install = () => {
    const [data] = file.input.files;
    file.blame("");
    if (!data) file.blame(t("up.file.missing"));
    else if (data.size > LARGEST) file.blame(sentence("up.no", "no-release"));
    else return send("/api/update", data);
  };
  const source = url != null && field(t("up.url"), { type: "url", value: url, placeholder: "https://", autocapitalize: "off", spellcheck: "false" }, t("up.url.hint"));
  const fetchIt = async () => {
    try {
      await change("/api/settings", { update: { url: source.input.value.trim() } });
    } catch (error) {
      return source.blame(explain(error));
    }
    await send("/api/update/pull", new Blob());
  };
  return [...lines,
    form(install, h("div", { class: "stack" }, file, h("div", { class: "row" }, h("button", null, t("up.go"))))),
    source && form(fetchIt, h("div", { class: "stack" }, source, h("div", { class: "row" }, h("button", { class: "second" }, t("up.fetch"))))),
    bar, result];
}

// The dongle says how far it is: it is the flash that takes the time, not the network.
async function watch(bar, result, over) {
  bar.hidden = false;
  bar.removeAttribute("value");
  result.show("wait", t("up.is.receiving"));
  while (!over()) {
    await pause(700);
    try {
      const { state, done, of } = await get("/api/update");
      if (over()) return;
      if (of) {
        bar.max = of;
        bar.value = done;
      } else bar.removeAttribute("value");
      if (has(`up.is.${state}`)) result.show("wait", t(`up.is.${state}`));
    } catch {
      // It is busy: ask again.
    }
  }
}
