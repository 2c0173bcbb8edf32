"""How Teams colours an Adaptive Card: a host configuration and a page for Microsoft's renderer, one a theme."""

from typing import Any, Literal

Theme = Literal["light", "dark", "contrast"]
THEMES: tuple[Theme, ...] = ("light", "dark", "contrast")

# page, card, border, text, subtle, brand (buttons), on brand
_PAGE: dict[Theme, tuple[str, str, str, str, str, str, str]] = {
    "light": ("#f5f5f5", "#ffffff", "#d1d1d1", "#242424", "#616161", "#5b5fc7", "#ffffff"),
    "dark": ("#141414", "#292929", "#525252", "#ffffff", "#adadad", "#4f52b2", "#ffffff"),
    "contrast": ("#000000", "#000000", "#ffffff", "#ffffff", "#ffffff", "#1aebff", "#000000"),
}
# accent, good, warning, attention: of text, then behind text (the first behind is emphasis)
_TEXT: dict[Theme, tuple[str, str, str, str]] = {
    "light": ("#5b5fc7", "#0e700e", "#835b00", "#b10e1c"),
    "dark": ("#9299f7", "#9ad29a", "#fee5b5", "#eeacb2"),
    "contrast": ("#1aebff", "#3ff23f", "#ffff01", "#ff8080"),
}
_BEHIND: dict[Theme, tuple[str, str, str, str, str]] = {
    "light": ("#f5f5f5", "#e8ebfa", "#e7f2da", "#fbf0d3", "#fce9ea"),
    "dark": ("#1f1f1f", "#2f2f4a", "#1c3318", "#42340a", "#3f1011"),
    "contrast": ("#000000", "#000000", "#000000", "#000000", "#000000"),
}


def host_config(theme: Theme) -> dict[str, Any]:
    """What `adaptivecards` takes as HostConfig, with the spacings and sizes Teams uses."""
    _, card, border, text, subtle, _, _ = _PAGE[theme]
    inks = dict(zip(("accent", "good", "warning", "attention"), _TEXT[theme], strict=True))
    colors = {
        name: {"default": ink, "subtle": ink} for name, ink in {"dark": "#242424", "light": "#ffffff", **inks}.items()
    } | {"default": {"default": text, "subtle": subtle}}
    behind = dict(zip(("emphasis", "accent", "good", "warning", "attention"), _BEHIND[theme], strict=True))
    return {
        "supportsInteractivity": True,
        "spacing": {"small": 8, "default": 12, "medium": 16, "large": 20, "extraLarge": 24, "padding": 16},
        "separator": {"lineThickness": 1, "lineColor": border},
        "fontFamily": "Segoe UI, Selawik, Open Sans, Liberation Sans, Arial, sans-serif",
        "fontSizes": {"small": 12, "default": 14, "medium": 14, "large": 18, "extraLarge": 24},
        "fontWeights": {"lighter": 200, "default": 400, "bolder": 600},
        "containerStyles": {
            name: {"backgroundColor": ground, "borderColor": border, "foregroundColors": colors}
            for name, ground in {"default": card, **behind}.items()
        },
        "textStyles": {"heading": {"size": "large", "weight": "bolder", "color": "default", "isSubtle": False}},
        "actions": {
            "maxActions": 6,
            "spacing": "default",
            "buttonSpacing": 8,
            "actionsOrientation": "horizontal",
            "actionAlignment": "left",
        },
        "factSet": {
            "title": {"size": "default", "weight": "bolder", "wrap": True, "maxWidth": 150},
            "value": {"size": "default", "wrap": True},
            "spacing": 16,
        },
        "inputs": {
            "label": {
                "inputSpacing": "small",
                "requiredInputs": {"suffix": " *", "suffixColor": "attention", "weight": "bolder"},
                "optionalInputs": {"weight": "bolder"},
            },
            "errorMessage": {"color": "attention", "weight": "bolder", "spacing": "small"},
        },
    }


def page(theme: Theme, width: int) -> str:
    """An empty page of `width` pixels in the theme; the card goes into #card."""
    ground, card, border, text, subtle, brand, on_brand = _PAGE[theme]
    return f"""<!doctype html><meta charset="utf-8"><style>
    * {{ box-sizing: border-box }}
    :root {{ color-scheme: {"light" if theme == "light" else "dark"} }}
    body {{ margin: 0; padding: 8px; background: {ground}; width: {width}px; color: {text};
           font-family: Segoe UI, Selawik, Open Sans, Liberation Sans, Arial, sans-serif; font-size: 14px }}
    #card {{ background: {card}; border: 1px solid {border}; border-radius: 6px; overflow-x: auto }}
    .ac-container.ac-selectable {{ padding: 0 }}
    .ac-pushButton {{ font: inherit; font-weight: 600; min-height: 32px; padding: 5px 12px; border-radius: 4px; cursor: pointer;
           background: {card}; color: {text}; border: 1px solid {border} }}
    .ac-pushButton.style-positive {{ background: {brand}; color: {on_brand}; border-color: {brand} }}
    .ac-input.ac-textInput, .ac-multichoiceInput.ac-choiceSetInput-compact, .ac-choiceSetInput-filtered-textbox {{
           font: inherit; width: 100%; padding: 6px 10px; color: {text}; background: {card};
           border: 1px solid {subtle}; border-radius: 4px }}
    .ac-input-container > div, .ac-choiceSetInput-filtered-container {{ width: 100% }}
    textarea.ac-input {{ min-height: 72px }}
    ::placeholder {{ color: {subtle}; opacity: 1 }}
    input[type=radio], input[type=checkbox] {{ accent-color: {brand} }}
    a {{ color: {_TEXT[theme][0]} }}
    p {{ margin: 0 }}
    </style><main id="card"></main>"""
