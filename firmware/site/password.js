/* The password: set in step 1, asked for at every login, changed in the settings. */

import { post } from "./api.js";
import { form, h, note, secret } from "./dom.js";
import { duration, sentence, t } from "./text.js";

/** The sentence for a failed request. */
export const explain = (error) => sentence("error", error.code, { retry: duration(1000 * (error.retryAfter || 1)) });

export function logIn(app) {
  const password = secret(t("login.password"), t("show"), { autocomplete: "current-password", name: "password" });
  const send = async () => {
    try {
      await post("/api/login", { password: password.input.value });
      await app.start();
    } catch (error) {
      password.blame(explain(error));
    }
  };
  return {
    title: t("login"),
    element: form(send, h("div", { class: "card stack" },
      h("div", null, h("h1", { tabindex: -1 }, t("login")),
        h("p", { class: "lead" }, t("login.lead", { device: app.hello.device }))),
      password, h("div", { class: "row" }, h("button", null, t("login"))))),
  };
}

/** Step 1: `done` is called with the session open. */
export function passwordPanel(app, done) {
  const n = app.hello.min_password ?? 8;
  const password = secret(t("password.new"), t("show"),
    { autocomplete: "new-password", name: "password", minlength: n }, t("password.hint", { n }));
  return form(async () => {
    if ([...password.input.value].length < n) return password.blame(t("error.password-short"));
    try {
      await post("/api/setup", { password: password.input.value });
      done();
    } catch (error) {
      password.blame(explain(error));
    }
  }, h("div", { class: "stack" }, password, h("div", { class: "row" }, h("button", null, t("next")))));
}

export function passwordChange(app) {
  const n = app.hello.min_password ?? 8;
  const old = secret(t("password.old"), t("show"), { autocomplete: "current-password", name: "old" });
  const fresh = secret(t("password.new"), t("show"),
    { autocomplete: "new-password", name: "new", minlength: n }, t("password.hint", { n }));
  const result = note();
  return form(async () => {
    result.clear();
    if ([...fresh.input.value].length < n) return fresh.blame(t("error.password-short"));
    try {
      await post("/api/password", { old: old.input.value, new: fresh.input.value });
      old.input.value = fresh.input.value = "";
      result.show("good", t("password.changed"));
    } catch (error) {
      (error.code.startsWith("password-") ? fresh : old).blame(explain(error));
    }
  }, h("div", { class: "stack" }, old, fresh, h("div", { class: "row" }, h("button", null, t("password.change"))), result));
}
