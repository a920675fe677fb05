/**
 * What PostgreSQL cannot hold in a text is the character zero, and half of a surrogate pair. Neither is worth
 * the failure of a commit (a message may come from a guest's process): both become U+FFFD, in every store
 * alike. Pure.
 */

export function storable(text: string): string {
  if (text.isWellFormed() && !text.includes("\0")) return text;
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

/** JSON of a value whose texts are all storable. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  // JSON writes both as escapes. Few other texts look like these escapes, and they only cost a second look.
  if (!json.includes("\\u0000") && !json.includes("\\ud")) return json;
  return JSON.stringify(value, (_key, part: unknown) => storablePart(part));
}

function storablePart(part: unknown): unknown {
  if (typeof part === "string") return storable(part);
  if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).map(([key, field]) => [storable(key), field]));
}
