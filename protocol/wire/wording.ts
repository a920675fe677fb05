/**
 * Numbers with their nouns and units, for sentences that people read: the one place that knows plurals,
 * ordinals and the sizes of units. Pure; no sentence stands here.
 */

/** `1 instance`, `2 instances`; `many` is the plural where an `s` does not make it. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** The verb that goes with the count: `is` of one, `are` of more and of none. */
export const isOrAre = (count: number): string => (count === 1 ? "is" : "are");

/** `1st`, `2nd`, `3rd`, `4th`, `11th`, `23rd`. */
export function ordinal(count: number): string {
  const tens = count % 100;
  const isTeen = tens > 10 && tens < 14;
  const ending = isTeen ? undefined : ["th", "st", "nd", "rd"][count % 10];
  return `${count}${ending ?? "th"}`;
}

/** A size in the largest unit that it has one of: `512 MiB`, `1.5 GiB`. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  const whole = unit === 0 || value >= 100 || Number.isInteger(value);
  return `${whole ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export const kibibytes = (count: number): string => bytes(count * 1_024);
export const mebibytes = (count: number): string => (count === 0 ? "0" : bytes(count * 1_024 ** 2));
export const gibibytes = (count: number): string => (count === 0 ? "0" : bytes(count * 1_024 ** 3));
