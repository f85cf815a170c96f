/* The frame around the pages: who is here, which page, which language. */

import { get, post, session } from "./api.js";
import { h, put } from "./dom.js";
import { live } from "./live.js";
import { logIn } from "./password.js";
import { log, settings } from "./settings.js";
import { setup } from "./setup.js";
import { choose, language, sentence, t } from "./text.js";

const PAGES = { live, settings, log };

const root = document.getElementById("app");
const app = { hello: null, show, start, went: false };
let close = () => {};

session.ended = () => start();

async function start() {
  try {
    app.hello = await get("/api/hello");
  } catch (error) {
    close();
    close = () => {};
    frame({ title: "Meterling", element: h("div", { class: "card stack" },
      h("h1", { tabindex: -1 }, "Meterling"),
      h("p", { role: "alert" }, sentence("error", error.code)),
      h("button", { type: "button", onclick: start }, t("retry"))) }, false);
    return;
  }
  show();
}

/** Show what the address (#live, #setup/wifi ..) asks for, as far as this browser may see it. */
function show() {
  const { state, setup_done: done } = app.hello;
  const [page, part] = location.hash.slice(1).split("/");
  close();
  let view;
  if (state === "login") view = logIn(app);
  else if (state === "new") view = setup(app, "password");
  else if (page === "setup" || (done === false && !(page in PAGES))) view = setup(app, part);
  else view = (PAGES[page] ?? live)(app);
  close = view.close ?? (() => {});
  frame(view, state === "in" && view.navigation !== false);
}

function frame(view, navigation) {
  document.documentElement.lang = language();
  document.title = view.title === "Meterling" ? view.title : `${view.title} – Meterling`;
  const current = location.hash.slice(1) || "live";
  const link = (name) => h("li", null,
    h("a", { href: `#${name}`, "aria-current": current === name ? "page" : null }, t(name)));
  put(root,
    h("a", { class: "skip", href: "#main", onclick: (event) => {
      event.preventDefault();
      root.querySelector("h1").focus();
    } }, t("skip")),
    h("header", null,
      h("a", { class: "brand", href: "#live" }, h("img", { src: "/icon.svg", alt: "" }), "Meterling"),
      navigation && h("nav", { "aria-label": t("nav") }, h("ul", null, ["live", "settings", "log"].map(link))),
      h("button", { class: "bare", type: "button", lang: t("other.code"), onclick: () => {
        choose(t("other.code"));
        show();
        root.querySelector("header .bare").focus();
      } }, t("other"))),
    h("main", { id: "main", class: view.wide ? null : "narrow" }, view.element));
  // Who reads with ears, or comes by keyboard, begins at the new page's heading.
  if (app.went) root.querySelector("h1")?.focus({ preventScroll: true });
  app.went = true;
  view.shown?.();
}

/** End the session. */
app.leave = async () => {
  try {
    await post("/api/logout");
  } finally {
    location.hash = "";
    await start();
  }
};

addEventListener("hashchange", () => {
  if (!app.hello || location.hash === "#main") return;
  scrollTo(0, 0);
  show();
});
start();
