// Messages as Teams lists them: threads in the channel, bubbles in the 1:1 chat; and the box to write in.

import { draw, formatted } from "./cards.js";
import { ask, avatar, h, moment } from "./dom.js";

export class Feed {
  constructor(column, place) {
    this.column = column;
    this.place = place;
    this.drawn = new Map(); // message id -> { key, element }
    this.list = h("div", { class: "list", role: "log", "aria-label": place === "channel" ? "Messages de Général" : "Conversation avec Passerelle" });
    this.empty = h("p", { class: "empty" });
    this.scroll = h("div", { class: "scroll" }, this.empty, this.list);
    this.element = h("div", { class: "feed" }, this.scroll, this.compose());
    this.keepEnd();
  }

  clear() {
    this.drawn.clear();
    this.list.replaceChildren();
  }

  /** Show the newest message: its end, or its beginning where it is taller than the place. */
  toEnd() {
    this.atEnd = true;
    requestAnimationFrame(() => {
      this.scroll.scrollTo({ top: this.scroll.scrollHeight });
      const last = [...this.list.querySelectorAll(".message")].at(-1);
      const above = last ? this.scroll.getBoundingClientRect().top - last.getBoundingClientRect().top : 0;
      if (above > 0) this.scroll.scrollBy({ top: -above - 14 });
    });
  }

  /** When the column changes width, stay with the newest message unless the person scrolled away from it. */
  keepEnd() {
    const leave = () => (this.atEnd = false);
    for (const gesture of ["wheel", "touchmove", "pointerdown"]) this.scroll.addEventListener(gesture, leave, { passive: true });
    let width = 0;
    new ResizeObserver(([{ contentRect }]) => {
      const changed = contentRect.width !== width;
      width = contentRect.width;
      if (changed && this.atEnd) this.toEnd();
    }).observe(this.scroll);
  }

  /** Draw `messages`, changing only what changed; `closed` says why this person may not be here. */
  render(messages, closed) {
    this.element.classList.toggle("closed", closed !== null);
    this.empty.textContent = closed ?? (messages.length ? "" : this.invitation());
    this.form.hidden = closed !== null;
    const present = new Set(messages.map((message) => message.id));
    for (const [id, { element }] of this.drawn) {
      if (!present.has(id)) {
        element.remove();
        this.drawn.delete(id);
      }
    }
    let arrived = false;
    for (const message of messages) {
      const before = this.drawn.get(message.id);
      if (before?.key === message.key) continue;
      const element = this.message(message);
      if (before) {
        element.classList.add("changed");
        before.element.replaceWith(element);
      } else {
        this.thread(message).append(element);
        arrived = true;
      }
      this.drawn.set(message.id, { key: message.key, element });
    }
    for (const thread of this.list.querySelectorAll(".thread:empty")) thread.remove();
    if (arrived) this.toEnd();
  }

  invitation() {
    return this.place === "channel"
      ? "Personne n’a encore rien écrit dans « Général ». Demandez quelque chose à Passerelle."
      : "Écrivez à Passerelle : elle vous répond ici, à vous seul.";
  }

  thread(message) {
    if (this.place === "chat") return this.list;
    const found = this.list.querySelector(`[data-root="${message.root}"]`);
    if (found) return found;
    const thread = h("div", { class: "thread", "data-root": message.root });
    this.list.append(thread);
    return thread;
  }

  message(message) {
    const mine = !message.bot && message.author === this.column.state?.name;
    const body = h("div", { class: "said" });
    if (message.text) {
      const text = h("div", { class: "text" });
      text.innerHTML = formatted(message.text, [this.column.firm.bot]);
      body.append(text);
    }
    if (message.card) body.append(this.card(message));
    if (message.offered) body.append(this.offer(message));
    if (message.given) body.append(h("p", { class: "text" }, h("a", { href: message.given.url, download: message.given.name }, `📎 ${message.given.name}`)));
    return h("article", { class: `message ${message.bot ? "bot" : "person"} ${mine ? "mine" : ""}`, "aria-label": `${message.author}, ${moment(Number(message.id))}` },
      avatar(message.author, { bot: message.bot }),
      h("p", { class: "byline" }, h("b", {}, message.author), h("time", {}, moment(Number(message.id))),
        message.edited ? h("span", { class: "edited" }, "Modifié") : null),
      body,
    );
  }

  /** The bot asks whether it may give a file: Teams' own words. */
  offer(message) {
    const answer = (accept) => h("button", { type: "button", class: "ac-pushButton", onclick: () => this.column.doing(this.list, () => ask(`${this.column.path}/consent`, { message: message.id, accept })) }, accept ? "Autoriser" : "Refuser");
    return h("div", { class: "card" }, h("p", {}, h("b", {}, message.offered.name)), h("p", {}, message.offered.content.description), answer(true), " ", answer(false));
  }

  card(message) {
    const holder = h("div", { class: "card", "aria-busy": "false" });
    holder.append(draw(message.card, {
      theme: this.column.page.theme,
      press: (action, data) => this.column.doing(holder, () => ask(`${this.column.path}/act`, { message: message.id, action, data })),
      search: (dataset, text) => this.column.search(message.id, dataset, text),
      open: (url) => this.column.follow(url),
    }));
    if (message.own) holder.append(h("p", { class: "own" }, "Vous seul·e voyez cette version de la carte."));
    return holder;
  }

  // Writing

  compose() {
    const { bot, commands } = this.column.firm;
    const channel = this.place === "channel";
    this.input = h("input", {
      type: "text",
      autocomplete: "off",
      enterkeyhint: "send",
      "aria-label": channel ? `Écrire dans Général à ${bot}` : `Écrire à ${bot}`,
      placeholder: channel ? "demandez quelque chose…" : `Écrivez à ${bot}…`,
    });
    // What the manifest proposes to whoever mentions the bot: shown while one looks for words, gone once they are sent.
    const hints = h("div", { class: "hints", role: "group", "aria-label": "Ce que vous pouvez demander" },
      commands.map((one) => h("button", { type: "button", "data-command": one.title, onclick: () => {
        this.input.value = one.title;
        this.form.requestSubmit();
        this.input.focus();
      } }, h("b", {}, one.title), h("span", {}, one.description))));
    const narrow = () => {
      this.form.classList.remove("sent");
      const typed = this.input.value.trim().toLowerCase();
      for (const hint of hints.children) hint.hidden = !hint.dataset.command.startsWith(typed);
    };
    this.input.addEventListener("input", narrow);
    this.input.addEventListener("click", narrow);
    this.input.addEventListener("blur", narrow);
    this.form = h("form", { class: "compose", onsubmit: (event) => {
      event.preventDefault();
      this.send();
    } },
      commands.length ? hints : null,
      h("div", { class: "line" },
        channel ? h("span", { class: "mention" }, `@${bot}`) : null,
        this.input,
        channel ? null : h("button", { type: "button", class: "send", "aria-label": "Joindre un fichier", title: "Joindre un fichier", onclick: () => this.attach() }, icon(CLIP)),
        h("button", { type: "submit", class: "send", "aria-label": "Envoyer", title: "Envoyer" }, icon(PLANE)),
      ),
    );
    return this.form;
  }

  async send() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.form.classList.add("sent");
    await this.column.doing(this.form, () => ask(`${this.column.path}/write`, { place: this.place, text }));
  }

  /** A file for the bot: Teams gives it one in the 1:1 chat only. */
  attach() {
    this.form.classList.add("sent"); // nobody looks for words now
    const chooser = h("input", { type: "file", onchange: () => {
      const [file] = chooser.files;
      const reader = new FileReader();
      reader.onload = () => this.column.doing(this.form, () => ask(`${this.column.path}/file`, { name: file.name, content: reader.result.split(",")[1] ?? "" }));
      reader.readAsDataURL(file);
    } });
    chooser.click();
  }
}

const PLANE = '<path d="M2.700 2.300 18 9.600a.5.500 0 0 1 0 .9L2.700 17.700a.5.500 0 0 1-.7-.6L4 10.500l8-.5-8-.5L2 2.900a.5.500 0 0 1 .7-.6Z" fill="currentColor"/>';
const CLIP = '<path d="m6 10.500 5.300-5.300a2.600 2.600 0 0 1 3.700 3.700l-6.400 6.400a4.200 4.200 0 0 1-5.900-5.900l6-6" fill="none" stroke="currentColor" stroke-width="1.400" stroke-linecap="round"/>';

function icon(path) {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawn.setAttribute("viewBox", "0 0 20 20");
  drawn.setAttribute("aria-hidden", "true");
  drawn.innerHTML = path;
  return drawn;
}
