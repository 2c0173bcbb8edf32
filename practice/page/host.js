// Teams' look for the card renderer: its type ramp, spacings and Fluent 2 colours, light, dark and high contrast.

const PALETTES = {
  light: {
    text: "#242424", subtle: "#616161", page: "#ffffff", line: "#e0e0e0",
    accent: "#4f52b2", good: "#0e700e", warning: "#8a3707", attention: "#b10e1c",
    boxes: {
      emphasis: ["#f5f5f5", "#e0e0e0"], accent: ["#eef0fb", "#c5cbfa"], good: ["#f1faf1", "#9fd89f"],
      warning: ["#fff9f5", "#fdcfb4"], attention: ["#fdf3f4", "#eeacb2"],
    },
  },
  dark: {
    text: "#ffffff", subtle: "#adadad", page: "#292929", line: "#3d3d3d",
    accent: "#a9b1fb", good: "#7fca7f", warning: "#faa06b", attention: "#f1a1a8",
    boxes: {
      emphasis: ["#333333", "#474747"], accent: ["#2f3150", "#4f52b2"], good: ["#0b2c0b", "#1e6a1e"],
      warning: ["#411d08", "#8a3707"], attention: ["#3f1011", "#8f2b33"],
    },
  },
  contrast: {
    text: "#ffffff", subtle: "#ffffff", page: "#000000", line: "#ffffff",
    accent: "#1aebff", good: "#3ff23f", warning: "#ffff01", attention: "#ff8080",
    boxes: {
      emphasis: ["#000000", "#ffffff"], accent: ["#000000", "#1aebff"], good: ["#000000", "#3ff23f"],
      warning: ["#000000", "#ffff01"], attention: ["#000000", "#ff8080"],
    },
  },
};

const FONT = "'Segoe UI Variable Text', 'Segoe UI', system-ui, -apple-system, 'Noto Sans', sans-serif";
const SIZES = { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 };
const WEIGHTS = { lighter: 300, default: 400, bolder: 600 };

/** The renderer's host configuration for `light`, `dark` or `contrast`; `scale` is the reader's text size, 1 as designed. */
export function hostConfig(theme, scale = 1) {
  const colours = PALETTES[theme];
  const fontSizes = Object.fromEntries(Object.entries(SIZES).map(([name, size]) => [name, size * scale]));
  const pair = (colour) => ({ default: colour, subtle: colour });
  const foregroundColors = {
    default: { default: colours.text, subtle: colours.subtle },
    dark: pair("#242424"), light: pair("#ffffff"), accent: pair(colours.accent), good: pair(colours.good),
    warning: pair(colours.warning), attention: pair(colours.attention),
  };
  const containerStyles = { default: { backgroundColor: colours.page, borderColor: colours.line, foregroundColors } };
  for (const [name, [backgroundColor, borderColor]] of Object.entries(colours.boxes)) {
    containerStyles[name] = { backgroundColor, borderColor, foregroundColors };
  }
  const label = { color: "default", isSubtle: false, size: "default", weight: "bolder" };
  return {
    choiceSetInputValueSeparator: ",",
    supportsInteractivity: true,
    spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
    separator: { lineThickness: 1, lineColor: colours.line },
    imageSizes: { small: 32, medium: 52, large: 100 },
    fontTypes: {
      default: { fontFamily: FONT, fontSizes, fontWeights: WEIGHTS },
      monospace: { fontFamily: "Consolas, 'DejaVu Sans Mono', monospace", fontSizes, fontWeights: WEIGHTS },
    },
    textStyles: { heading: { size: "large", weight: "bolder" }, columnHeader: { weight: "bolder" } },
    textBlock: { headingLevel: 3 },
    containerStyles,
    actions: {
      maxActions: 6, spacing: "default", buttonSpacing: 8, actionsOrientation: "horizontal", actionAlignment: "left",
      preExpandSingleShowCardAction: false, showCard: { actionMode: "inline", inlineTopMargin: 16, style: "emphasis" },
    },
    adaptiveCard: { allowCustomStyle: false },
    imageSet: { imageSize: "medium", maxImageHeight: 100 },
    factSet: {
      title: { size: "default", weight: "bolder", wrap: true, maxWidth: 170 },
      value: { size: "default", weight: "default", wrap: true },
      spacing: 16,
    },
    inputs: {
      label: {
        inputSpacing: "small",
        requiredInputs: { ...label, suffix: " *", suffixColor: "attention" },
        optionalInputs: label,
      },
      errorMessage: { color: "attention", size: "small", weight: "bolder", spacing: "small" },
      debounceTimeInMilliSeconds: 200,
      allowDynamicallyFilteredChoiceSet: true,
    },
  };
}
