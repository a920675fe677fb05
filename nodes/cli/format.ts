/** Formats numbers, times and sizes for people, and parses them. Pure. */
import { InvalidArgumentError } from "commander";

export { bytes, gibibytes, mebibytes } from "../../protocol/wire/wording.ts";

/** The time since `fromMs` as one or two digits and a unit, for tables. */
export function age(fromMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - fromMs) / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 2 * 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3_600) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Local time to the millisecond, in a form that sorts. */
export function time(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${day} ${clock}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

const durationUnits: Readonly<Record<string, number>> = {
  ...{ ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 },
};

/** Parses a duration to ms: `500ms`, `30s`, `2m`, `1h`, `2d`; a bare number is seconds. */
export function parseDuration(text: string): number {
  const [, number, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (number === undefined)
    throw new InvalidArgumentError("Give a time such as 30s, 2m or 500ms; a bare number is seconds.");
  return Math.round(Number(number) * (durationUnits[unit] ?? 1));
}

/** A moment on the command line: so long ago, or a date and time. */
export type Moment = { readonly agoMs: number } | { readonly atMs: number };

export const momentMs = (moment: Moment, nowMs: number): number =>
  "atMs" in moment ? moment.atMs : Math.max(0, nowMs - moment.agoMs);

/**
 * Parses `30m`, `2d`, `2026-11-29`, `2026-11-29 18:40`; without a zone it is local time, as times are
 * shown.
 */
export function parseMoment(text: string): Moment {
  if (/^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/.test(text)) return { agoMs: parseDuration(text) };
  const [, day, clock = "00:00"] = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d.*))?$/.exec(text) ?? [];
  const atMs = day === undefined ? Number.NaN : Date.parse(`${day}T${clock}`);
  if (!(atMs >= 0))
    throw new InvalidArgumentError("Give a time such as 30m, 2d, 2026-11-29 or 2026-11-29T18:40.");
  return { atMs };
}

const mebibytesIn: Readonly<Record<string, number>> = { M: 1, G: 1_024, T: 1_024 ** 2 };

/** The size in MiB; undefined: the text is no size. One unit has three spellings: `G`, `GB` and `GiB`. */
function sizeMib(text: string, unitDefault: "M" | "G"): number | undefined {
  const found = /^(\d+(?:\.\d+)?) ?(?:([MGT])i?B?)?$/i.exec(text.trim());
  if (found === null) return undefined;
  const [, number, unit = unitDefault] = found;
  return Number(number) * (mebibytesIn[unit.toUpperCase()] ?? Number.NaN);
}

/** Parses a size to MiB: `512M`, `1.5G`, `1GB`; a bare number is MiB. */
export function parseMebibytes(text: string): number {
  const mib = sizeMib(text, "M");
  if (mib === undefined || !Number.isInteger(mib))
    throw new InvalidArgumentError("Give a size in whole MiB: 512M, 1.5G or 1GB; a bare number is MiB.");
  return mib;
}

/** Parses a size to bytes: `512M`, `1.5G`; a bare number is bytes. */
export function parseBytes(text: string): number {
  const bytes = /^\d+$/.test(text) ? Number(text) : (sizeMib(text, "M") ?? Number.NaN) * 1024 ** 2;
  if (!Number.isSafeInteger(bytes))
    throw new InvalidArgumentError("Give a size: 512M, 1.5G or 2T; a bare number is bytes.");
  return bytes;
}

/** Parses a size to GiB: `10G`, `10GB`, `1T`; a bare number is GiB. */
export function parseGibibytes(text: string): number {
  const gib = (sizeMib(text, "G") ?? Number.NaN) / 1_024;
  if (!Number.isInteger(gib))
    throw new InvalidArgumentError("Give a size in whole GiB: 10G, 10GB or 1T; a bare number is GiB.");
  return gib;
}

export function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Give a whole number.");
  return Number(text);
}

/** Parses a whole number of at least 1. */
export function parsePositive(text: string): number {
  if (/^0+$/.test(text)) throw new InvalidArgumentError("Give 1 or more.");
  return parseCount(text);
}

/** Formats pairs as `a=1, b=2`; undefined when there are none. */
export function pairsOf(pairs: Readonly<Record<string, string>>): string | undefined {
  const all = Object.entries(pairs).map(([key, value]) => `${key}=${value}`);
  return all.length === 0 ? undefined : all.join(", ");
}

/** Parses `key=value` and adds it to the pairs before it: the option may be repeated. */
export function parsePair(text: string, before: Readonly<Record<string, string>> = {}) {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Give a pair such as role=web.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
