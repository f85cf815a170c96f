/* The key doctor: takes a key as people paste it, says what it understood, tries it at once. */

import { get, post, put as send } from "./api.js";
import { field, form, h, note } from "./dom.js";
import { feed } from "./feed.js";
import { chosen, meterState } from "./meter.js";
import { explain } from "./password.js";
import { has, sentence, t } from "./text.js";

// What is saved without asking again, and what only if the owner insists.
const SAVE = ["fits", "auth-key-missing", "no-telegram"];
const INSIST = ["does-not-fit", "auth-key-wrong", "cannot-check"];
const TONES = { fits: "good", "auth-key-missing": "wait", "no-telegram": "wait", "not-ciphered": "good", "auth-key-only": "wait", "cannot-check": "wait" };

/** `saved(answer)` is called after each saving; `restart(needed)` says if it needs one. */
export function keyPanel({ saved = () => {}, restart = () => {} } = {}) {
  const plain = { autocomplete: "off", autocapitalize: "off", spellcheck: "false" };
  const text = field(t("key.text"), { rows: 3, name: "key", ...plain });
  const auth = field(t("key.auth"), { rows: 2, name: "auth", ...plain }, " ");
  const hint = auth.querySelector(".hint");
  const more = h("details", null, h("summary", { class: "small" }, t("key.two")), auth);
  const result = note();
  const already = h("p", { class: "note", hidden: true });
  let known = ""; // the second key that the operator has made public
  let waiting = false; // the key is saved, and no telegram has come to check it with

  function operator() {
    const { keys, auth_key } = chosen.operator ?? {};
    if (auth.input.value === known) auth.input.value = auth_key ?? "";
    known = auth_key ?? "";
    more.open ||= keys === 2 || known !== "";
    hint.textContent = known && t("key.public");
    hint.hidden = !known;
  }
  operator();

  async function check() {
    const asked = { text: text.input.value };
    if (auth.input.value.trim()) asked.auth = auth.input.value;
    result.show("wait", t("key.checking"));
    try {
      const answer = await post("/api/key", asked);
      const keep = answer.token && SAVE.includes(answer.check);
      if (keep) await save(answer);
      tell(answer, keep);
      if (!keep && answer.check !== "not-ciphered") text.input.focus();
    } catch (error) {
      result.show("bad", explain(error));
    }
  }

  async function save(answer) {
    restart((await send("/api/settings", { key_token: answer.token })).restart);
    text.input.value = "";
    if (!known) auth.input.value = "";
    waiting = answer.check === "no-telegram";
    saved(answer);
  }

  function tell(answer, kept) {
    const notes = (answer.notes ?? []).map((one) => sentence("note", one)).filter((one) => !one.startsWith("note."));
    result.show(TONES[answer.check] ?? "bad",
      h("p", null, h("strong", null, answer.check ? sentence("check", answer.check) : sentence("understood", answer.understood, answer))),
      has(`check.${answer.check}.hint`) && h("p", null, t(`check.${answer.check}.hint`)),
      answer.swapped && h("p", null, t("check.swapped")),
      answer.check && h("p", { class: "small" }, sentence("understood", answer.understood, answer), notes.length > 0 && ` (${notes.join(", ")})`),
      kept && h("p", { class: "small" }, t("key.saved")),
      !kept && answer.token && INSIST.includes(answer.check) && h("div", { class: "row" },
        h("button", { class: "second", type: "button", onclick: async ({ target }) => {
          target.disabled = true; // the token is good for once
          try {
            await save(answer);
            result.show("wait", t("key.saved"));
          } catch (error) {
            result.show("bad", explain(error));
          }
        } }, t("key.anyway"))));
  }

  // Saved before the meter said anything: look again as soon as it has.
  async function recheck() {
    waiting = false;
    try {
      const answer = await post("/api/key", {});
      if (answer.token) await save(answer); // they were pasted the wrong way round
      if (answer.check === "no-telegram") waiting = true;
      else tell(answer, answer.check === "fits");
    } catch {
      waiting = true;
    }
  }

  const state = meterState(() => {
    const { status } = feed;
    if (!status) return;
    const words = status.ciphered === false ? t("key.none") : status.auth_key ? t("key.set.2") : status.key ? t("key.set") : "";
    if (already.textContent !== words) already.textContent = words;
    already.hidden = !words || result.childNodes.length > 0;
    if (waiting && status.ciphered && status.counters.telegrams > 0) recheck();
  });
  const element = h("div", { class: "stack" }, state, already,
    form(check, h("div", { class: "stack" }, text, more, result, h("div", { class: "row" }, h("button", null, t("key.check"))))));
  element.close = state.close;
  element.operator = operator; // to be called when another one is chosen
  return element;
}

/** Is a key set? */
export const hasKey = async () => (await get("/api/status")).key;
