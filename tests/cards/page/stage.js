// A card or a mail on a stage of any width, theme and text size; and what is wrong with how it stands there.
/* global AdaptiveCards, axe */

import { draw } from "cards";

/** A letter is fetched when first drawn: measured before that, it is another font's. */
export const lettered = Promise.all([...document.fonts].map((face) => face.load()));

const MENTION = /(?<!\\)<at>(.*?)<\/at>/g;

/** The card as the Courier sends it: with an entity for each mention in its text. */
function sent(card) {
  const names = [...JSON.stringify(card).matchAll(MENTION)].map(([, name]) => JSON.parse(`"${name}"`));
  const entities = names.map((name) => ({ type: "mention", text: `<at>${name}</at>` }));
  return { ...card, msteams: { ...card.msteams, entities } };
}

/** What Microsoft's parser says of the card; `lang` apart, of which it refuses every second one, and Teams' own charts. */
export function complaints(card) {
  const context = new AdaptiveCards.SerializationContext();
  new AdaptiveCards.AdaptiveCard().parse(card, context);
  const said = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index).message);
  return said.filter((one) => !one.includes('property "lang"') && !one.startsWith('Unknown element type "Chart.'));
}

/** The card's element: `width` in CSS pixels, `theme` one of host.js, `scale` the reader's text size. */
export function stand(card, { theme = "light", width = 640, scale = 1 } = {}) {
  const place = document.createElement("div");
  place.dataset.theme = theme;
  place.dataset.scale = scale;
  place.style.width = `${width}px`;
  const holder = document.createElement("div");
  holder.className = "card";
  const nothing = () => {};
  holder.append(draw(sent(card), { theme, scale, press: nothing, search: async () => [], open: nothing }));
  place.append(holder);
  return place;
}

/** The mail in a frame, as a client with or without its own dark colours shows it, or one that inverts what it gets. */
export async function deliver(mail, { theme = "light", width = 600 } = {}) {
  const frame = document.createElement("iframe");
  frame.title = mail.subject;
  frame.setAttribute("sandbox", "allow-same-origin");
  frame.style.cssText = `width: ${width}px; border: 0;`;
  if (theme === "inverted") frame.style.filter = "invert(1) hue-rotate(180deg)";
  // A frame does not ask for dark colours unless its reader does: here they are given without being asked for.
  frame.srcdoc = theme === "dark" ? mail.html.replace("(prefers-color-scheme: dark)", "all") : mail.html;
  document.body.append(frame);
  await new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  frame.style.height = `${frame.contentDocument.documentElement.scrollHeight}px`;
  return frame;
}

/** Wider than its box (it would scroll sideways), or cut by it. */
function overflows(element) {
  const style = getComputedStyle(element);
  if (style.display === "inline" || !element.getClientRects().length) return null;
  if (["INPUT", "SELECT", "OPTION"].includes(element.tagName)) return null; // these scroll what is typed
  if (element.scrollWidth > element.clientWidth + 1) return "wider than its box";
  const cuts = style.overflowY !== "visible" || style.webkitLineClamp !== "none";
  return cuts && element.tagName !== "TEXTAREA" && element.scrollHeight > element.clientHeight + 1 ? "cut" : null;
}

function label(input) {
  const named = (input.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id));
  return [...named, ...(input.labels ?? [])].map((one) => one?.textContent ?? "").join("") || input.getAttribute("aria-label");
}

/** What is wrong with an element on the page, in words; nothing: an empty list. */
export function faults(root) {
  const found = [];
  for (const element of [root, ...root.querySelectorAll("*")]) {
    const about = () => `<${element.localName} ${element.className}> ${element.textContent.slice(0, 60)}`;
    const wrong = overflows(element);
    if (wrong) found.push(`${wrong}: ${about()}`);
    if (element.matches("input, select, textarea") && !label(element)) found.push(`no label: ${about()}`);
    if (element.matches("button, a") && element.getClientRects().length && !element.textContent.trim()) found.push(`no name: ${about()}`);
  }
  return found;
}

/** Draw each of `cards`, one after the other, and say what is wrong: `[[index, fault]…]`. */
export function audit(cards, how) {
  const place = document.getElementById("stage");
  return cards.flatMap((card, index) => {
    const element = stand(card, how);
    place.replaceChildren(element);
    return faults(element).map((fault) => [index, fault]);
  });
}

/** axe-core's serious and critical findings, of some rules or of all, on what stands on the page: `rule: the element`. */
export async function barriers(within, rules) {
  const only = rules.length ? { runOnly: { type: "rule", values: rules } } : {};
  const { violations } = await axe.run(within, { ...only, resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.any.map((one) => one.message).join(" ")}`));
}

/** A picture in the smaller of formats that every browser shows. */
export async function lighter(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.92);
}

const LOOKED_AT = 12; // CSS pixels: larger than a letter's edge, smaller than a word

/** Both pictures as grids of mean colours, and the share of squares that differ by more than `tolerance` of 255. */
export async function unlike(before, after, tolerance) {
  const [one, two] = await Promise.all([before, after].map(seen));
  if (Math.abs(one.width - two.width) > 1 || Math.abs(one.height - two.height) > 1) {
    return { share: 1, why: `${one.width} × ${one.height} squares before, ${two.width} × ${two.height} now` };
  }
  const width = Math.min(one.width, two.width);
  const height = Math.min(one.height, two.height);
  let differ = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = (grid) => (y * grid.width + x) * 4;
      const gap = [0, 1, 2].map((colour) => Math.abs(one.data[at(one) + colour] - two.data[at(two) + colour]));
      if (Math.max(...gap) > tolerance) differ += 1;
    }
  }
  return { share: differ / (width * height), why: `${differ} of ${width * height} squares` };
}

async function seen(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const width = Math.round(image.naturalWidth / LOOKED_AT);
  const height = Math.round(image.naturalHeight / LOOKED_AT);
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, 0, 0, width, height);
  return pen.getImageData(0, 0, width, height);
}
