// The gallery's page: every piece as a thumbnail in the language, theme, width and data chosen; a click opens it in all of them.

import { complaints, deliver, faults, lettered, stand } from "stage";

const { flows, mails } = JSON.parse(document.getElementById("pieces").textContent);

const CHOICES = {
  locale: ["fr", "en"],
  theme: ["light", "dark", "contrast"],
  width: ["320", "640"],
  data: ["plain", "short", "long", "hostile", "missing"],
  text: ["100 %", "200 %"],
};
const chosen = {};

/** Take what the address says; what it leaves out is the first of each. Gives whether that is another choice. */
function choose() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const before = JSON.stringify(chosen);
  for (const [name, values] of Object.entries(CHOICES)) chosen[name] = values.find((one) => one === wanted.get(name)) ?? values[0];
  return JSON.stringify(chosen) !== before;
}

choose();

function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const scale = () => (chosen.text === "200 %" ? 2 : 1);
const MAIL_THEME = { light: "light", dark: "dark", contrast: "inverted" };
const MAIL_WIDTH = { 320: 320, 640: 600 };

function group(name, values) {
  const options = values.map((value) => h("label", {}, h("input", {
    type: "radio", name, value, ...(chosen[name] === value ? { checked: "" } : {}),
    onchange: () => { chosen[name] = value; hang(); },
  }), value));
  return h("fieldset", {}, h("legend", {}, name), ...options);
}

const filter = h("input", { type: "search", placeholder: "flow or step", "aria-label": "Show only", oninput: () => hang() });
const told = h("span", { role: "status" });
const wall = h("main");
const opened = h("dialog", { onclick: ({ target }) => target === opened && opened.close() });
document.body.append(
  h("div", { class: "bar" }, h("h1", {}, "Passerelle, card by card"), ...Object.entries(CHOICES).map(([name, values]) => group(name, values)), filter, told),
  wall, opened,
);

/** A frame around a piece; in red where something is wrong with it. */
function frame(caption, element, wrong, open) {
  const figure = h("figure", {},
    h("figcaption", {}, h("button", { class: "open", type: "button", onclick: open }, caption)),
    h("div", { class: "thumb", onclick: open }, element));
  if (wrong.length) {
    figure.className = "faulty";
    figure.title = wrong.join("\n");
  }
  return figure;
}

function card(piece) {
  const drawn = piece.cards[chosen.locale][chosen.data];
  const element = stand(drawn, { theme: chosen.theme, width: Number(chosen.width), scale: scale() });
  wall.append(element); // it is measured at its full size, before it becomes a thumbnail
  const wrong = [...complaints(drawn), ...faults(element)];
  return frame(`${piece.name} · ${piece.sample}`, element, wrong, () => openCard(piece, wrong));
}

function openCard(piece, wrong) {
  const drawn = piece.cards[chosen.locale][chosen.data];
  const every = CHOICES.theme.flatMap((theme) => CHOICES.width.map((width) => stand(drawn, { theme, width: Number(width), scale: scale() })));
  show(`${piece.name} · ${piece.sample}`, wrong, every, drawn.speak, JSON.stringify(drawn, null, 2));
}

async function mail(one) {
  const written = one.mails[chosen.locale][chosen.data];
  const width = MAIL_WIDTH[chosen.width];
  const element = await deliver(written, { theme: MAIL_THEME[chosen.theme], width });
  const wide = element.contentDocument.documentElement.scrollWidth > width ? ["wider than its frame"] : [];
  const still = element.cloneNode(); // moved, a frame loads again: a new one, of the height just measured
  const open = () => openMail(one);
  return frame(`${one.name} · ${one.sample}`, still, wide, open);
}

async function openMail(one) {
  const written = one.mails[chosen.locale][chosen.data];
  const every = [];
  for (const theme of Object.values(MAIL_THEME)) {
    for (const width of Object.values(MAIL_WIDTH)) every.push((await deliver(written, { theme, width })).cloneNode());
  }
  document.querySelectorAll("body > iframe").forEach((element) => element.remove());
  show(written.subject, [], every, `${one.name} · ${one.sample}`, written.text);
}

function show(title, wrong, every, said, source) {
  opened.replaceChildren(
    h("header", {}, h("h2", {}, title), h("span", {}, said), h("button", { type: "button", onclick: () => opened.close() }, "Close")),
    h("ul", {}, ...wrong.map((one) => h("li", {}, one))),
    h("div", { class: "all" }, ...every),
    h("details", {}, h("summary", {}, "What is sent"), h("pre", {}, source)),
  );
  opened.showModal();
}

const section = (id, title, width, figures) =>
  h("section", { id, style: `--width: ${width}px` },
    h("h2", {}, `${title} `, h("small", {}, figures.length)),
    h("div", { class: "wall" }, ...figures));

async function hang() {
  const started = performance.now();
  delete document.body.dataset.ready;
  document.documentElement.dataset.theme = chosen.theme;
  location.hash = new URLSearchParams(chosen).toString();
  wall.replaceChildren();
  const words = filter.value.toLowerCase();
  const matches = (one) => `${one.name} ${one.sample}`.toLowerCase().includes(words);
  const sections = [];
  for (const { flow, title, pieces } of flows) {
    const some = pieces.filter(matches);
    if (some.length) sections.push(section(flow.replaceAll(" ", "-"), title, chosen.width, some.map(card)));
  }
  const letters = [];
  for (const one of mails.filter(matches)) letters.push(await mail(one));
  if (letters.length) sections.push(section("mails", "Mails", MAIL_WIDTH[chosen.width], letters));
  document.querySelectorAll("body > iframe").forEach((element) => element.remove());
  wall.replaceChildren(...sections);
  const faulty = wall.querySelectorAll(".faulty").length;
  document.body.dataset.shows = new URLSearchParams(chosen).toString();
  told.textContent = `${wall.querySelectorAll("figure").length} shown, ${faulty} with a fault, ${Math.round(performance.now() - started)} ms`;
  document.body.dataset.ready = "";
}

addEventListener("hashchange", () => {
  if (!choose()) return;
  for (const [name, value] of Object.entries(chosen)) document.querySelector(`input[name="${name}"][value="${value}"]`).checked = true;
  hang();
});

await lettered;
await hang();
