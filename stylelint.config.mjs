// Style sheets: the standard rules, BEM names, one declaration per line, logical properties.

const PHYSICAL = ["top", "right", "bottom", "left"];
const BEM = /^(is-[a-z]+(-[a-z]+)*|[a-z][a-z0-9]*(-[a-z0-9]+)*(__[a-z0-9]+(-[a-z0-9]+)*)?(--[a-z0-9_]+(-[a-z0-9]+)*)?)$/;

export default {
  extends: "stylelint-config-standard",
  plugins: ["@stylistic/stylelint-plugin"],
  reportNeedlessDisables: true,
  rules: {
    "@stylistic/block-closing-brace-newline-before": "always",
    "@stylistic/block-opening-brace-newline-after": "always",
    "@stylistic/block-opening-brace-space-before": "always",
    "@stylistic/declaration-block-semicolon-newline-after": "always",
    "@stylistic/declaration-block-trailing-semicolon": "always",
    "@stylistic/declaration-colon-space-before": "never",
    "@stylistic/indentation": 2,
    "@stylistic/max-line-length": [120, { ignorePattern: "/^\\s*\"/" }],
    "@stylistic/no-eol-whitespace": true,
    "@stylistic/selector-list-comma-newline-after": "always",
    "@stylistic/string-quotes": "double",
    "property-disallowed-list": [
      [
        "width", "height", "min-width", "max-width", "min-height", "max-height", ...PHYSICAL,
        ...PHYSICAL.flatMap((side) => [`margin-${side}`, `padding-${side}`, `border-${side}`]),
      ],
      { message: "Use the logical property (inline-size, margin-block-start, …)" },
    ],
    "declaration-property-value-disallowed-list": { "text-align": PHYSICAL, float: PHYSICAL, clear: PHYSICAL },
    "selector-class-pattern": [BEM, { message: "Expected block, block__element or block--modifier" }],
    // Safari before 16.4 does not know the range notation.
    "media-feature-range-notation": "prefix",
    // Allow blank lines between groups of tokens.
    "custom-property-empty-line-before": null,
    // Cascade layers and single-class selectors set precedence, so source order can follow the markup.
    "no-descending-specificity": null,
    // Safari on the iPhone knows the prefixed name only.
    "property-no-vendor-prefix": [true, { ignoreProperties: ["text-size-adjust"] }],
    // Typeface and paper-size names.
    "value-keyword-case": ["lower", { ignoreKeywords: ["A4", "Cambria", "Charter", "Consolas", "Menlo", "Roboto"] }],
  },
  overrides: [
    {
      files: ["static/css/**/*.css"],
      rules: { "color-no-hex": true, "unit-disallowed-list": ["px"] },
    },
    {
      files: ["static/css/tokens*.css"],
      rules: { "color-no-hex": null, "unit-disallowed-list": null },
    },
    {
      // Names from Django and ProseMirror.
      files: ["static/admin_portal/**/*.css"],
      rules: {
        "selector-class-pattern": [new RegExp(`${BEM.source}|^(colM|v[A-Z][A-Za-z]+|ProseMirror-[a-z]+|selectedCell)$`), {}],
        "selector-id-pattern": null,
      },
    },
  ],
};
