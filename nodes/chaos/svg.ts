/** Pieces of SVG as text; text from outside is escaped. Pure. */

export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const round = (value: number): string => String(Math.round(value * 10) / 10);

export function box({ x, y, width, height }: Box, attributes: string, title = ""): string {
  const place = `x="${round(x)}" y="${round(y)}" width="${round(Math.max(0, width))}" height="${round(height)}"`;
  return title === ""
    ? `<rect ${place} ${attributes}/>`
    : `<rect ${place} ${attributes}><title>${escaped(title)}</title></rect>`;
}

export function words(x: number, y: number, text: string, attributes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(text)}</text>`;
}

export function line(
  from: readonly [number, number],
  to: readonly [number, number],
  attributes: string,
): string {
  const [[x1, y1], [x2, y2]] = [from, to];
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" ${attributes}/>`;
}

/** A pattern of slanting lines on a colour, so that lanes differ without colour as well. */
export function hatch(id: string, colour: string, angle: number): string {
  return (
    `<pattern id="${id}" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(${angle})">` +
    `<rect width="5" height="5" fill="${colour}"/><line x1="0" y1="0" x2="0" y2="5" stroke="#333" stroke-width="1.2"/>` +
    "</pattern>"
  );
}
