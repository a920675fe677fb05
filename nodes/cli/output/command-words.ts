/** Command lines as they can be typed again: in hints that say how to go on. Pure. */

/** The words as one line; a word that a shell would take apart stands in quotes. */
export const commandLine = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ");

/** The words with another value for an option, whatever its value was. */
export function withOption(words: readonly string[], option: string, value: string): readonly string[] {
  const kept = words.filter(
    (word, at) => word !== option && !word.startsWith(`${option}=`) && words[at - 1] !== option,
  );
  return [...kept, option, value];
}
