// Small helpers: elements, and calls to the practice server.

/** An element: `h("button", { class: "x", onclick }, "texte", child)`. Attributes given as null or false are left out. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** What the server refused: `kind` is bot, protocol, cannot or unknown. */
export class Refused extends Error {
  constructor(kind, reason) {
    super(reason);
    this.kind = kind;
  }
}

/** GET, or POST where there is a body; throws Refused. */
export async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused("gone", "L’entraînement s’est arrêté : relancez `python -m practice`.");
  }
  if (!response.ok) {
    const told = await response.json().catch(() => ({ kind: "bug", reason: `${response.status} sur ${path}` }));
    throw new Refused(told.kind, told.reason);
  }
  return response.json();
}

/** « Paul Martin » → « PM ». */
export const initials = (name) => name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();

/** A stable hue for a name, so that an avatar keeps its colour. */
export const hue = (name) => [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);

export function avatar(name, { bot = false, size = 32 } = {}) {
  if (bot) return h("img", { class: "avatar", src: "/page/bridge.svg", alt: "", width: size, height: size });
  return h("span", { class: "avatar", style: `--hue:${hue(name)};--size:${size}px`, "aria-hidden": "true" }, initials(name));
}

/** A moment as Teams shows it: the hour today, else day and hour. `at` is anything Date takes. */
export function moment(at) {
  const date = new Date(at);
  const today = new Date().toDateString() === date.toDateString();
  const hour = { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Paris" }; // the firm’s, as its cards and mails
  return new Intl.DateTimeFormat("fr-FR", today ? hour : { day: "2-digit", month: "2-digit", ...hour }).format(date);
}
