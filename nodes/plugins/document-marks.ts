/**
 * Where the document of a plug-in stands in a file of its author's. Apart from what makes the document, so
 * that a command loads little. Pure.
 */

/** The text between these lines of a file is replaced; whatever else is in the file is its author's. */
export const documentMarks = { from: "<!-- plug-in api -->", to: "<!-- /plug-in api -->" };

/** The file's text with the document in its place. @throws Error when the file has no such place */
export function withDocument(text: string, document: string): string {
  const { from, to } = documentMarks;
  const [start, end] = [text.indexOf(from), text.indexOf(to)];
  if (start < 0 || end < start) throw new Error(`It has no lines ${from} and ${to}.`);
  return `${text.slice(0, start + from.length)}\n${document}\n${text.slice(end)}`;
}
