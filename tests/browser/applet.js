// One person's Teams (`?who=` an MRI) by Microsoft's own client logic: an AdaptiveApplet for each card, and for each dialog.
//
// The applet decides when a card refreshes, what it sends, which inputs hold an action up, and what of an answer it takes. This
// page adds what its host must: the channel, whom a card refreshes for and how often, and dialogs, which the applet does not know.
/* global AdaptiveCards */

import { hostConfig } from "/page/host.js";

const who = new URLSearchParams(location.search).get("who");
const { applets } = AdaptiveCards.GlobalSettings;

/** What the applets, their parser and this page find wrong. */
const complaints = (window.complaints = []);
/** Each request of an applet: the message it is about ("dialog" in a dialog), the verb or dataset, the trigger. */
const requests = (window.requests = []);

applets.refresh = {
  mode: AdaptiveCards.RefreshMode.Automatic,
  timeBetweenAutomaticRefreshes: 0, // as soon as a card is there
  maximumConsecutiveAutomaticRefreshes: 10,
  allowManualRefreshesAfterAutomaticRefreshes: false,
};
applets.onLogEvent = (level, message) => {
  if (level !== AdaptiveCards.LogLevel.Info && !/cancelled as a result of the user/.test(message)) complaints.push(message);
};
window.addEventListener("unhandledrejection", (event) => complaints.push(String(event.reason)));

async function ask(path, told) {
  const response = await fetch(`/${path}?who=${encodeURIComponent(who)}`, { method: "POST", body: JSON.stringify(told) });
  const { status, body } = await response.json();
  if (status !== 200) throw new Error(`an invoke was answered ${status}`);
  return body;
}

/** The applet's response for the body of an adaptiveCard/action, whose shape must be one that Teams documents. */
function responseTo(request, body) {
  const { statusCode, type, value, ...more } = body ?? {};
  if (Object.keys(more).length) throw new Error(`unknown in the answer: ${Object.keys(more)}`);
  switch (`${statusCode} ${type}`) {
    case "200 application/vnd.microsoft.card.adaptive":
      return new AdaptiveCards.SuccessResponse(request, JSON.stringify(value));
    case "200 application/vnd.microsoft.activity.message":
      if (typeof value !== "string") throw new Error("a message that is no text");
      return new AdaptiveCards.SuccessResponse(request, JSON.stringify(value));
    case "401 application/vnd.microsoft.activity.loginRequest":
      return new AdaptiveCards.LoginRequestResponse(request, value);
    default:
      if (type !== "application/vnd.microsoft.error" || !(statusCode >= 400)) throw new Error(`answered ${statusCode} ${type}`);
      return new AdaptiveCards.ErrorResponse(request, new AdaptiveCards.ActivityRequestError(value.code, value.message));
  }
}

class Channel extends AdaptiveCards.ChannelAdapter {
  constructor(message, about) {
    super();
    this.message = message;
    this.about = about;
  }

  async sendRequestAsync(request) {
    const { action, trigger } = request;
    if (action instanceof AdaptiveCards.DataQuery) return this.search(request, action);
    requests.push([this.about, action.verb, trigger]);
    asked.set(this.about, performance.now());
    const { id, verb } = action;
    return responseTo(request, await ask("execute", { message: this.message, action: { id, verb }, data: action.data, trigger }));
  }

  async search(request, { dataset, filter }) {
    requests.push([this.about, dataset, "search"]);
    const { statusCode, type, value } = await ask("search", { message: this.message, dataset, text: filter });
    if (statusCode !== 200 || type !== "application/vnd.microsoft.search.searchResponse") throw new Error(`answered ${type}`);
    return new AdaptiveCards.SuccessResponse(request, JSON.stringify(value.results));
  }
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const told = make("p", { role: "status" });
const pane = make("div", { class: "pane" });
const body = make("div", { class: "body" }, pane);
const dialog = make("dialog", {});
document.body.append(make("section", { "aria-label": "Teams" }, body, told, dialog));

const asked = new Map(); // message id -> when its card was last asked for

/**
 * Whether Teams would refresh: for those named, and "only if the card from the last invoke is older than a minute" ("User
 * Specific Views", Microsoft Learn; the views it shows there ask for the next refresh too, as the bot's do).
 */
function due(about, refresh) {
  return refresh.userIds.includes(who) && performance.now() - (asked.get(about) ?? -Infinity) > 60_000;
}

/** An applet that shows `card`, a message's or (`about` "dialog") a dialog's. */
function applet(message, about, card) {
  const made = new AdaptiveCards.AdaptiveApplet();
  made.hostConfig = new AdaptiveCards.HostConfig(hostConfig("light"));
  made.channelAdapter = new Channel(message, about);
  made.onPrepareActivityRequest = (one, { trigger }) =>
    trigger !== AdaptiveCards.ActivityRequestTrigger.Automatic || due(about, one.card.refresh);
  made.onActivityRequestSucceeded = (_, _response, content) => {
    if (typeof content === "string" && about !== "dialog") told.textContent = content;
  };
  made.onActivityRequestFailed = () => -1;
  made.onAction = (_, action) => {
    if (action instanceof AdaptiveCards.SubmitAction) submit(message, about, action.data);
  };
  made.setCard(card);
  if (made.card?.toJSON().type !== "AdaptiveCard") complaints.push("no card was shown");
  return made;
}

/** Action.Submit: in a dialog task/submit, on a posted card what opens one. */
async function submit(message, about, data) {
  try {
    if (about === "dialog") return next(message, (await ask("submit", { message, data }))?.task);
    if (data.msteams?.type !== "task/fetch") throw new Error("Action.Submit on a posted card: Action.Execute is known here");
    const { task } = await ask("fetch", { message, data });
    if (!task) throw new Error("task/fetch was answered without a task");
    return next(message, task);
  } catch (error) {
    return complaints.push(String(error));
  }
}

function next(message, task) {
  dialog.close();
  body.inert = false;
  told.textContent = "";
  if (!task) return;
  if (task.type === "message") told.textContent = task.value;
  else if (task.type !== "continue") throw new Error(`task.type ${task.type}`);
  else {
    const { title, card } = task.value;
    if (card.contentType !== "application/vnd.microsoft.card.adaptive") throw new Error(`a dialog of ${card.contentType}`);
    dialog.setAttribute("aria-label", title);
    dialog.replaceChildren(make("h1", {}, title), applet(message, "dialog", card.content).renderedElement);
    body.inert = true;
    dialog.show();
  }
}

const shown = new Map(); // message id -> { version, element }

/** Messages as they are for everybody; a new version stands in the applet's place, whatever it had become for this person. */
function show(messages) {
  for (const { id, version, card } of messages) {
    const before = shown.get(id);
    if (before?.version === version) continue;
    asked.delete(id); // a message update refreshes at once
    const element = make("article", { "data-message": id }, applet(id, id, card).renderedElement);
    if (before) before.element.replaceWith(element);
    else pane.append(element);
    shown.set(id, { version, element });
  }
}

let revision = -1;
for (;;) {
  const feed = await (await fetch(`/feed?who=${encodeURIComponent(who)}&after=${revision}`)).json();
  revision = feed.revision;
  show(feed.messages);
  document.body.dataset.ready = "";
}
