// The practice page: three Teams clients side by side, told by the server when something changed.

import { Backstage } from "./backstage.js";
import { Column } from "./column.js";
import { ask, h } from "./dom.js";

const byId = (id) => document.getElementById(id);
const remembered = (key, otherwise) => localStorage.getItem(`practice.${key}`) ?? otherwise;
const remember = (key, value) => localStorage.setItem(`practice.${key}`, value);

const page = {
  get theme() {
    return document.documentElement.dataset.theme;
  },
  remembered,
  remember,
};

/** A button that switches something on the page, and remembers it. */
function toggle(id, key, otherwise, apply) {
  const button = byId(id);
  const set = (on) => {
    const state = button.hasAttribute("aria-pressed") ? "aria-pressed" : "aria-expanded";
    button.setAttribute(state, String(on));
    apply(on);
  };
  button.addEventListener("click", () => {
    const on = remembered(key, otherwise) !== "true";
    remember(key, on);
    set(on);
  });
  set(remembered(key, otherwise) === "true");
}

function tellBot(status) {
  const trouble = byId("bot-trouble");
  const sentences = {
    starting: ["Le bot démarre…"],
    died: ["Le bot s’est arrêté. Ses derniers mots sont dans « Coulisses ».", true],
    stopped: ["Le bot est arrêté.", true],
    gone: ["L’entraînement s’est arrêté : relancez « python -m practice »."],
  };
  const [sentence, restart] = sentences[status] ?? [""];
  if (trouble.dataset.status === status) return;
  trouble.dataset.status = status;
  trouble.hidden = !sentence;
  trouble.replaceChildren(h("span", {}, sentence));
  if (restart) {
    trouble.append(h("button", { type: "button", onclick: () => ask("/backstage/restart", {}) }, "Relancer le bot"));
  }
}

async function main() {
  const firm = await ask("/firm");
  byId("firm").textContent =
    `${firm.firm}. Trois personnes, trois Teams ; rien de ce que vous faites ici ne sort de cet ordinateur.`;
  const columns = firm.columns.map((about) => new Column(about, firm, page));
  byId("columns").append(...columns.map((column) => column.element));
  await Promise.all(columns.map((column) => column.closeDialog())); // as a reloaded Teams, which forgets its dialogs
  const backstage = new Backstage(byId("backstage"));

  toggle("toggle-theme", "dark", String(matchMedia("(prefers-color-scheme: dark)").matches), (on) => {
    document.documentElement.dataset.theme = on ? "dark" : "light";
    columns.forEach((column) => column.redraw());
  });
  toggle("toggle-phone", "phone", "false", (on) => byId("columns").classList.toggle("phone", on));
  toggle("toggle-story", "story", "true", (on) => (byId("story").hidden = !on));
  toggle("toggle-backstage", "backstage", "false", (on) => backstage.show(on));

  // Changes come in bursts: one question at a time, and one more when something changed meanwhile.
  let asking = false;
  let again = false;
  const update = async () => {
    again = true;
    if (asking) return;
    asking = true;
    while (again) {
      again = false;
      await Promise.all([...columns.map((column) => column.update()), backstage.update()]);
    }
    asking = false;
  };
  const events = new EventSource("/events");
  events.onmessage = (event) => {
    tellBot(JSON.parse(event.data).bot);
    update();
  };
  events.onerror = () => tellBot("gone");
  await update();
  document.body.dataset.ready = "true";
}

main();
