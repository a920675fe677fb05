/**
 * A text of SQL as its words: what is left when line breaks, indentation and comments are of no account. Two
 * texts with the same words are the same program. It knows words only, and must never know what they mean.
 * Pure.
 */

/** Longer ones first: `->>` is one word, not `->` and `>`. */
const word = new RegExp(
  [
    /(?<space>\s+|--[^\n]*|\/\*[\s\S]*?\*\/)/,
    /(?<string>'(?:[^']|'')*')/,
    /(?<dollar>\$(?<tag>[a-z_]*)\$[\s\S]*?\$\k<tag>\$)/,
    /(?<quoted>"(?:[^"]|"")*")/,
    /(?<name>[A-Za-z_][A-Za-z0-9_$]*)/,
    /(?<number>\d+(?:\.\d+)?)/,
    /(?<parameter>\$\d+)/,
    /(?<operator>::|:=|\.\.|[-+*/<>=~!@#%^&|`?]+)/,
    /(?<mark>[()[\],;.:])/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "y",
);

/**
 * The words of a text. Names without capitals lose their quotes, for they mean the same without them.
 *
 * @throws Error where the text is no SQL that this project writes
 */
export function sqlTokens(text: string): readonly string[] {
  const tokens: string[] = [];
  word.lastIndex = 0;
  for (let at = 0; at < text.length; at = word.lastIndex) {
    const found = word.exec(text);
    if (found === null) throw new Error(`This is no word of SQL: ${text.slice(at, at + 20)}`);
    const [token] = found;
    if (found.groups?.space !== undefined) continue;
    tokens.push(/^"[a-z_][a-z0-9_]*"$/.test(token) ? token.slice(1, -1) : token);
  }
  return tokens;
}
