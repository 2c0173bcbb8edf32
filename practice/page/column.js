// One person's Teams: "Général", the 1:1 conversation with the bot, the mailbox, and the dialogs the bot opens.

import { draw } from "./cards.js";
import { ask, avatar, h } from "./dom.js";
import { Feed } from "./feed.js";
import { Mailbox } from "./mail.js";

const TABS = { channel: "Général", chat: "Conversation", mail: "Courrier" };
const KINDS = {
  bot: "Le bot n’a pas pu répondre",
  protocol: "Teams refuserait la réponse du bot",
  cannot: "Ce n’est pas possible",
  unknown: "Introuvable",
  bug: "La page d’entraînement a échoué",
  gone: "Plus personne ne répond",
};
const TOAST_MS = 9000;

export class Column {
  constructor(about, firm, page) {
    this.role = about.role;
    this.people = about.people;
    this.firm = firm;
    this.page = page;
    this.slug = about.role.toLowerCase();
    this.mri = page.remembered(`person.${this.slug}`, "");
    if (!about.people.some((one) => one.mri === this.mri)) this.mri = about.people[0].mri;
    this.tab = page.remembered(`tab.${this.slug}`, about.role === "Entrepreneur" ? "mail" : "channel");
    this.tabs = {};
    this.panes = {};
    this.seen = {};
    this.dialogKey = null;
    this.build();
  }

  get path() {
    return `/people/${encodeURIComponent(this.mri)}`;
  }

  build() {
    this.face = h("span", { class: "face" });
    this.chooser = h("select", {
      "aria-label": `Qui est ${this.role.toLowerCase()}`,
      onchange: () => this.become(this.chooser.value),
    });
    for (const one of this.people) this.chooser.append(new Option(one.name, one.mri, false, one.mri === this.mri));
    this.mail = h("span", { class: "address" });
    const who = h("header", { class: "who" },
      this.face,
      h("div", { class: "names" }, this.chooser, this.mail),
      h("span", { class: "role" }, this.role),
    );

    const list = h("div", { class: "tabs", role: "tablist", "aria-label": `Teams de ${this.role}`, onkeydown: (event) => this.arrow(event) });
    this.feeds = {
      channel: new Feed(this, "channel"),
      chat: new Feed(this, "chat"),
    };
    this.mailbox = new Mailbox(this);
    const content = { ...this.feeds, mail: this.mailbox };
    for (const [name, title] of Object.entries(TABS)) {
      const [tab, pane] = [`tab-${this.slug}-${name}`, `pane-${this.slug}-${name}`];
      this.tabs[name] = h("button", { id: tab, type: "button", role: "tab", "aria-controls": pane, onclick: () => this.show(name) },
        title, h("span", { class: "badge", hidden: true }));
      this.panes[name] = h("div", { id: pane, class: `pane ${name}`, role: "tabpanel", "aria-labelledby": tab }, content[name].element);
      list.append(this.tabs[name]);
    }
    this.toasts = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
    this.dialog = h("dialog", { class: "task", "aria-labelledby": `task-${this.slug}`, onkeydown: (event) => {
      if (event.key === "Escape") this.closeDialog();
    } });
    this.body = h("div", { class: "body" }, list, ...Object.values(this.panes));
    this.element = h("section", { class: "client", "aria-label": this.role, "data-role": this.slug }, who, this.body, this.dialog, this.toasts);
    this.show(this.tab);
    this.name();
  }

  /** Put somebody else of the same role before this client. */
  become(mri) {
    this.mri = mri;
    this.page.remember(`person.${this.slug}`, mri);
    this.seen = {};
    this.redraw();
    this.name();
    this.update();
  }

  name() {
    const one = this.people.find((person) => person.mri === this.mri);
    this.face.replaceChildren(avatar(one.name, { size: 36 }));
    this.mail.textContent = one.email;
  }

  show(name) {
    this.tab = name;
    this.page.remember(`tab.${this.slug}`, name);
    for (const [key, tab] of Object.entries(this.tabs)) {
      tab.setAttribute("aria-selected", String(key === name));
      tab.tabIndex = key === name ? 0 : -1;
      this.panes[key].hidden = key !== name;
    }
    this.badge(name, 0);
    this.feeds[name]?.toEnd();
  }

  arrow(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = Object.keys(TABS);
    const next = names[(names.indexOf(this.tab) + step + names.length) % names.length];
    this.show(next);
    this.tabs[next].focus();
  }

  badge(name, count) {
    const badge = this.tabs[name].querySelector(".badge");
    badge.hidden = !count;
    badge.textContent = count || "";
    if (count) badge.setAttribute("aria-label", `${count} à lire`);
  }

  /** Forget what is drawn: the next update draws everything anew (other person, other theme). */
  redraw() {
    this.feeds.channel.clear();
    this.feeds.chat.clear();
    this.mailbox.clear();
    this.dialogKey = null;
    if (this.state) this.render(this.state);
  }

  async update() {
    const mri = this.mri;
    const state = await ask(this.path).catch(() => null);
    if (!state || mri !== this.mri) return;
    this.state = state;
    this.render(state);
    if (state.refreshes) {
      ask(`${this.path}/refresh`, {}).catch((error) => this.complain(error));
    }
  }

  render(state) {
    this.face.classList.toggle("away", !state.signedIn);
    this.feeds.channel.render(state.channel, state.inTeam ? null : this.stranger(state));
    this.feeds.chat.render(state.chat, state.signedIn ? null : this.stranger(state));
    this.mailbox.render(state.mails);
    this.count("channel", state.channel.length);
    this.count("chat", state.chat.length);
    this.count("mail", state.mails.length);
    this.renderDialog(state.dialog);
  }

  /** Why a place is closed to this person. */
  stranger(state) {
    const first = state.name.split(" ")[0];
    if (!state.signedIn) return `${first} n’a pas (encore) accès au Teams du cabinet : tout commence par une invitation, dans « Courrier ».`;
    return `${first} n’est pas membre de l’équipe, et ne doit pas l’être : les clients d’un cabinet ne se voient pas entre eux.`;
  }

  count(name, length) {
    const before = this.seen[name];
    this.seen[name] = length;
    if (before === undefined || length <= before || name === this.tab) return;
    const now = Number(this.tabs[name].querySelector(".badge").textContent || 0);
    this.badge(name, now + length - before);
  }

  // Dialogs

  renderDialog(told) {
    const key = told?.key ?? null;
    if (key === this.dialogKey) return;
    const before = this.dialogKey;
    this.dialogKey = key;
    this.body.inert = Boolean(told);
    if (!told) {
      this.dialog.close();
      this.dialog.replaceChildren();
      if (before) this.opener?.isConnected && this.opener.focus();
      return;
    }
    const card = draw(told.card, {
      theme: this.page.theme,
      press: (action, data) => this.doing(this.dialog, () => ask(`${this.path}/submit`, { data })),
      search: (dataset, text) => this.search(told.message, dataset, text),
      open: (url) => this.follow(url),
    });
    const close = h("button", { type: "button", class: "close", "aria-label": "Fermer", title: "Fermer", onclick: () => this.closeDialog() }, "✕");
    const title = h("h2", { id: `task-${this.slug}` }, told.title);
    this.dialog.replaceChildren(
      h("header", {}, avatar("", { bot: true, size: 24 }), title, close),
      h("div", { class: "card" }, card),
    );
    if (!this.dialog.open) this.dialog.show();
    (card.querySelector("input:not([type=checkbox]):not([type=radio]), textarea, select") ?? close).focus();
  }

  async closeDialog() {
    await ask(`${this.path}/close`, {}).catch((error) => this.complain(error));
  }

  // What every gesture goes through

  /** Do `act` while `where` shows that it is under way; what it answers or refuses becomes a toast. */
  async doing(where, act) {
    if (where.getAttribute("aria-busy") === "true") return;
    if (!this.dialog.contains(document.activeElement)) this.opener = document.activeElement;
    where.setAttribute("aria-busy", "true");
    try {
      const { answer } = await act();
      if (answer?.notice) this.toast(answer.notice);
      await this.update();
    } catch (error) {
      this.complain(error);
    } finally {
      where.setAttribute("aria-busy", "false");
    }
  }

  async search(message, dataset, text) {
    return (await ask(`${this.path}/search`, { message, dataset, text })).answer;
  }

  /** Follow a link of a mail or a card. */
  async follow(url) {
    try {
      const { answer } = await ask(`${this.path}/follow`, { url });
      if (answer.open) window.open(answer.open, "_blank", "noopener");
      if (answer.place) this.show(answer.place);
      if (answer.notice) this.toast(answer.notice);
    } catch (error) {
      this.complain(error);
    }
  }

  toast(sentence, detail = null) {
    const toast = h("div", { class: detail === null ? "toast" : "toast trouble", role: detail === null ? null : "alert" },
      h("div", {}, h("p", {}, sentence), detail && h("p", { class: "detail" }, detail)),
      h("button", { type: "button", class: "close", "aria-label": "Fermer", onclick: () => toast.remove() }, "✕"),
    );
    this.toasts.append(toast);
    if (detail === null) setTimeout(() => toast.remove(), TOAST_MS);
  }

  complain(error) {
    this.toast(KINDS[error.kind] ?? KINDS.bug, error.message);
  }
}
