// The mailbox: what the firm really sent, its links followed as the person would.

import { avatar, h, moment } from "./dom.js";

export class Mailbox {
  constructor(column) {
    this.column = column;
    this.mails = [];
    this.chosen = null;
    this.list = h("ul", { class: "mails", "aria-label": "Messages reçus" });
    this.reading = h("div", { class: "reading" });
    this.element = h("div", { class: "mailbox" }, this.list, this.reading);
  }

  clear() {
    this.mails = [];
    this.chosen = null;
    this.reading.replaceChildren();
  }

  render(mails) {
    if (mails.length === this.mails.length && this.list.childElementCount) return;
    const arrived = mails.length > this.mails.length;
    this.mails = mails;
    this.list.replaceChildren(...mails.map((mail, index) => this.line(mail, index)).reverse());
    if (!mails.length) this.list.replaceChildren(h("li", { class: "empty" }, "Aucun message reçu pour l’instant."));
    if (arrived) this.read(mails.length - 1);
  }

  line(mail, index) {
    return h("li", {}, h("button", { type: "button", "data-index": index, "aria-current": String(index === this.chosen), onclick: () => this.read(index) },
      avatar(mail.from),
      h("span", { class: "about" },
        h("b", {}, mail.from),
        h("span", { class: "subject" }, mail.subject)),
      h("time", {}, moment(mail.at))));
  }

  read(index) {
    this.chosen = index;
    const mail = this.mails[index];
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-current", String(button.dataset.index === String(index)));
    }
    // No script runs in a mail; the same origin only lets the page follow its links and fit its height.
    const frame = h("iframe", { sandbox: "allow-same-origin", title: mail.subject });
    frame.addEventListener("load", () => this.prepare(frame));
    frame.srcdoc = mail.html ? mail.content : `<pre style="white-space:pre-wrap;font:inherit">${escape(mail.content)}</pre>`;
    this.reading.replaceChildren(
      h("header", {}, h("h2", {}, mail.subject), h("p", {}, `${mail.from} · ${moment(mail.at)}`)),
      frame,
    );
  }

  prepare(frame) {
    const inside = frame.contentDocument;
    const fit = () => (frame.style.height = `${inside.documentElement.scrollHeight + 2}px`);
    inside.addEventListener("click", (event) => {
      const link = event.target.closest("a[href]");
      if (!link) return;
      event.preventDefault();
      this.column.follow(link.href);
    });
    fit();
    new ResizeObserver(fit).observe(inside.documentElement);
  }
}

const escape = (text) => text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);
