/**
 * Patterns of names: `*` for any text, `?` for any one character, `\` before a character that stands for
 * itself. For PostgreSQL a pattern becomes one of LIKE; in memory it is matched here. Both take time in
 * proportion to pattern times name at most, whatever a tenant writes: nothing here may become a regular
 * expression. Pure.
 */

/** A plain character, any text, or any one character. */
type Part = { readonly character: string } | "any" | "one";

function partsOf(pattern: string): readonly Part[] {
  const parts: Part[] = [];
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? "";
    const next = characters[at + 1];
    if (character === "\\" && next !== undefined) {
      parts.push({ character: next });
      at += 1;
    } else if (character === "?") parts.push("one");
    else if (character !== "*") parts.push({ character });
    else if (parts.at(-1) !== "any") parts.push("any");
  }
  return parts;
}

/** The same as a pattern of LIKE, whose own signs stand for themselves. */
export function likeOf(pattern: string): string {
  const parts = partsOf(pattern).map((part) => {
    if (part === "any") return "%";
    if (part === "one") return "_";
    return /[%_\\]/.test(part.character) ? `\\${part.character}` : part.character;
  });
  return parts.join("");
}

/** Whether names match. Goes back only to the last `*`: an earlier one need not take more. */
export function nameMatcher(pattern: string): (name: string) => boolean {
  const parts = partsOf(pattern);
  return (name) => {
    const characters = [...name];
    let [at, part] = [0, 0];
    let retry: { readonly part: number; at: number } | undefined;
    while (at < characters.length) {
      const present = parts[part];
      if (present === "any") {
        part += 1;
        retry = { part, at };
      } else if (present !== undefined && fits(present, characters[at] ?? "")) {
        part += 1;
        at += 1;
      } else if (retry !== undefined) {
        retry.at += 1;
        at = retry.at;
        part = retry.part;
      } else return false;
    }
    return parts.slice(part).every((left) => left === "any");
  };
}

const fits = (part: Exclude<Part, "any">, character: string): boolean =>
  part === "one" || part.character === character;
