// The panel « Coulisses »: what other people, or bad luck, do while one practises.

import { ask, h } from "./dom.js";

export class Backstage {
  constructor(element) {
    this.element = element;
    this.shown = false;
  }

  show(on) {
    this.shown = on;
    this.element.hidden = !on;
    clearInterval(this.clock);
    if (!on) return;
    this.update();
    this.clock = setInterval(() => this.update(), 1000); // outages count down
  }

  async update() {
    if (!this.shown) return;
    const state = await ask("/backstage").catch(() => null);
    const told = JSON.stringify(state);
    if (!state || told === this.told) return;
    this.told = told;
    const unfolded = Boolean(this.element.querySelector("details[open]"));
    const focused = this.element.contains(document.activeElement) ? document.activeElement.dataset.deed : null;
    this.element.replaceChildren(h("h2", {}, "Coulisses"), ...this.parts(state));
    if (unfolded) this.element.querySelector("details").open = true;
    if (focused) this.element.querySelector(`[data-deed="${CSS.escape(focused)}"]`)?.focus();
  }

  parts(state) {
    return [
      this.part("Ce que font les autres",
        state.pending.length ? null : h("p", { class: "quiet" }, "Aucune invitation n’attend de réponse."),
        state.pending.map((one) => this.button(`accept-${one.url}`, `${one.email} accepte l’invitation`, "accept", { url: one.url }))),
      this.part("Les règles du locataire",
        this.box("invitations", "Le bot a le droit d’inviter", state.invitationsAllowed, "invitations", {}),
        state.domains.map((one) => this.box(`domain-${one.domain}`, `Domaine bloqué : ${one.domain}`, one.blocked, "domain", { domain: one.domain })),
        state.chats.map((one) => this.box(`chat-${one.mri}`, `${one.name} a bloqué le bot`, one.blocked, "chat", { mri: one.mri }))),
      this.part("La malchance",
        this.outage("graph", "Graph en panne 30 s", state.outages.graph),
        this.outage("connector", "Teams refuse les messages 30 s", state.outages.connector)),
      this.part("Compteurs", this.counts(state)),
      state.bot && this.part("Le bot",
        h("p", { class: `status ${state.bot.status}` }, { running: "En marche", starting: "Démarre…", died: "S’est arrêté", stopped: "Arrêté" }[state.bot.status]),
        this.button("restart", "Relancer le bot", "restart", {}),
        h("details", {}, h("summary", {}, "Ses derniers mots"), h("pre", { tabindex: 0 }, state.bot.log.slice(-60).join("\n") || "(rien)"))),
    ].filter(Boolean);
  }

  part(title, ...children) {
    return h("section", {}, h("h3", {}, title), ...children);
  }

  button(deed, title, path, body) {
    return h("button", { type: "button", "data-deed": deed, onclick: () => this.act(path, body) }, title);
  }

  box(deed, title, on, path, body) {
    return h("label", {},
      h("input", { type: "checkbox", "data-deed": deed, checked: on, onchange: (event) => this.act(path, { ...body, on: event.target.checked }) }),
      title);
  }

  outage(name, title, seconds) {
    return this.button(name, seconds === undefined ? title : `${title} — encore ${seconds} s`, name, {});
  }

  counts(state) {
    const titles = {
      delivered: "activités vers le bot", posts: "messages postés", updates: "cartes mises à jour",
      invitations: "invitations", mails: "mails partis", refusals: "refus de Teams",
    };
    return [
      h("dl", {}, Object.entries(titles).map(([key, title]) => [h("dt", {}, title), h("dd", {}, state.counts[key])])),
      state.refusals.length ? h("ul", { class: "refusals" }, state.refusals.map((one) => h("li", {}, one))) : null,
    ].filter(Boolean);
  }

  async act(path, body) {
    try {
      await ask(`/backstage/${path}`, body);
    } catch (error) {
      this.element.append(h("p", { class: "quiet", role: "alert" }, error.message));
    }
    await this.update();
  }
}
