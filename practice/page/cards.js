// Adaptive Cards as Teams draws them, by Microsoft's own renderer.
//
// AdaptiveApplet is not used: its refresh ignores refresh.userIds, and what it adds otherwise (sending, overlay, retries) is
// the practice server's. In 3.0.6 a row chosen from a Data.Query list is submitted by its title where Teams submits its
// value, rows are filtered again by what was typed (« boul mart » hides « Boulangerie Martin ») where Teams shows what the bot
// answered, and the input carries no label: TeamsChoiceSet mends these.
/* global AdaptiveCards */

import MarkdownIt from "markdown-it";

import { hostConfig } from "./host.js";

const markdown = new MarkdownIt({ html: false, linkify: false, breaks: true }).disable("image");
const FRENCH = { "No results found": "Aucun résultat", "Unable to load": "La recherche n’a pas répondu" };

AdaptiveCards.GlobalSettings.setTabIndexAtCardRoot = false;
AdaptiveCards.GlobalSettings.useMarkdownInRadioButtonAndCheckbox = false;

class TeamsChoiceSet extends AdaptiveCards.ChoiceSetInput {
  get _offered() {
    return [...this.choices, ...(this._rows ?? [])];
  }

  get value() {
    if (!this.isDynamicTypeahead() || !this._textInput) return super.value;
    const typed = this._textInput.value;
    return this._offered.find((choice) => choice.title === typed)?.value ?? typed;
  }

  isValid() {
    if (!this.isDynamicTypeahead() || !this._textInput) return super.isValid();
    const typed = this._textInput.value;
    return typed === "" || this._offered.some((choice) => choice.title === typed || choice.value === typed);
  }

  updateInputControlAriaLabelledBy() {
    super.updateInputControlAriaLabelledBy();
    // The renderer labels the box around the text input, which neither a label's click nor a screen reader lands on.
    const box = this.renderedInputControlElement;
    if (!this.isDynamicTypeahead() || !this._textInput || !box) return;
    for (const name of ["id", "aria-labelledby"]) {
      const value = box.getAttribute(name);
      if (value) this._textInput.setAttribute(name, value);
      box.removeAttribute(name);
    }
  }

  showLoadingIndicator() {
    super.showLoadingIndicator();
    const told = this.getDropdownElement()?.querySelector(".ac-choiceSetInput-statusIndicator:not(.ac-choiceSetInput-errorIndicator)");
    if (told) told.textContent = "Recherche…";
  }

  /** The rows as answered while the text is the one they were asked for, else those that still contain it. */
  _list(asked) {
    const typed = this._textInput.value.trim().toLowerCase();
    const whole = this._textInput.value === asked;
    for (const { title } of this._offered) {
      const at = title.toLowerCase().indexOf(typed);
      if (!whole && at < 0) continue;
      const match = at < 0 ? "" : title.slice(at, at + typed.length);
      const drawn = this._filteredChoiceSet.createChoice(title, match, this._filteredChoiceSet._visibleChoiceCount++);
      this._filteredChoiceSet.dropdown.append(drawn);
    }
  }

  showErrorIndicator(filter, error) {
    super.showErrorIndicator(filter, FRENCH[error] ?? error);
  }

  renderChoices(filter, rows) {
    if (filter !== this._textInput?.value) return;
    this._rows = rows;
    this._filteredChoiceSet.filterChoices = () => this._list(filter);
    super.renderChoices(filter, rows);
    const told = this.getDropdownElement()?.querySelector(".ac-choiceSetInput-errorIndicator");
    if (told) told.textContent = FRENCH[told.textContent] ?? told.textContent;
  }
}

function context() {
  const made = new AdaptiveCards.SerializationContext();
  const registry = new AdaptiveCards.CardObjectRegistry();
  AdaptiveCards.GlobalRegistry.populateWithDefaultElements(registry);
  registry.register("Input.ChoiceSet", TeamsChoiceSet, AdaptiveCards.Versions.v1_0);
  made.setElementRegistry(registry);
  return made;
}

/** Text as Teams shows it: Markdown, and the mentions `named` lists as coloured names. */
export function formatted(text, named) {
  let html = markdown.render(text);
  for (const name of named) {
    const span = markdown.utils.escapeHtml(`<at>${name}</at>`);
    html = html.replaceAll(span, `<span class="mention">${markdown.utils.escapeHtml(name)}</span>`);
  }
  return html;
}

/** The names a card's or a message's mention entities carry. */
export const mentionsOf = (entities) =>
  (entities ?? []).filter((one) => one.type === "mention").map((one) => one.text.replace(/<\/?at>/g, ""));

/**
 * Draw `card` in a theme of host.js, at `scale` times the text size. `press(action, data)` is called with the action's JSON
 * and its data, inputs gathered and valid; `search(dataset, text)` gives a typeahead's rows; `open(url)` follows a link.
 * Gives the card's element.
 */
export function draw(card, { theme, scale, press, search, open }) {
  const drawn = new AdaptiveCards.AdaptiveCard();
  drawn.hostConfig = new AdaptiveCards.HostConfig(hostConfig(theme, scale));
  const named = mentionsOf(card.msteams?.entities);
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = formatted(text, named);
    result.didProcess = true;
  };
  drawn.onAnchorClicked = (_element, anchor) => {
    open(anchor.href);
    return true;
  };
  drawn.onExecuteAction = (action) => {
    if (action instanceof AdaptiveCards.OpenUrlAction) {
      open(action.url);
    } else if (action instanceof AdaptiveCards.SubmitAction || action instanceof AdaptiveCards.ExecuteAction) {
      const { data, ...rest } = action.toJSON();
      press({ ...rest, title: action.title, verb: action.verb ?? "" }, action.data ?? {});
    }
  };
  drawn.onInputValueChanged = async (input) => {
    if (!(input instanceof TeamsChoiceSet) || !input.isDynamicTypeahead()) return;
    const text = input.getFilterForDynamicSearch();
    if (!text) return;
    input.showLoadingIndicator();
    try {
      input.renderChoices(text, await search(input.choicesData.dataset, text));
      input.getDropdownElement()?.scrollIntoView({ block: "nearest" });
    } catch (error) {
      input.showErrorIndicator(text, error.message);
    }
  };
  drawn.parse(card, context());
  const element = drawn.render() ?? document.createElement("div");
  if (card.msteams?.width === "Full") element.classList.add("full");
  return element;
}
