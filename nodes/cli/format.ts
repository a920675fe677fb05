/** Formats numbers, times and sizes for people, and parses them. Pure. */
import { InvalidArgumentError } from "commander";

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

export const mebibytes = (count: number): string => (count === 0 ? "0" : bytes(count * 1_024 ** 2));
export const gibibytes = (count: number): string => (count === 0 ? "0" : bytes(count * 1_024 ** 3));

const durationUnits: Readonly<Record<string, number>> = {
  ...{ ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 },
};

/** Parses a duration to ms: `500ms`, `30s`, `2m`, `1h`, `2d`; a bare number is seconds. */
export function parseDuration(text: string): number {
  const [, number, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError("Give a time such as 30s, 2m or 500ms.");
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

/** Parses a size to MiB: `512`, `512M`, `512MiB`, `2G`; a bare number is MiB. */
export function parseMebibytes(text: string): number {
  const [, number, unit = "M"] = /^(\d+(?:\.\d+)?)(M|G|T)?(?:i?B)?$/i.exec(text) ?? [];
  const factor = { M: 1, G: 1_024, T: 1_024 ** 2 }[unit.toUpperCase()];
  const value = number === undefined || factor === undefined ? Number.NaN : Number(number) * factor;
  if (!Number.isInteger(value)) throw new InvalidArgumentError("Give a size such as 512M or 2G.");
  return value;
}

/** Parses a size to GiB: `10`, `10G`, `1T`; a bare number is GiB. */
export function parseGibibytes(text: string): number {
  const value = parseMebibytes(/^\d+$/.test(text) ? `${text}G` : text) / 1_024;
  if (!Number.isInteger(value)) throw new InvalidArgumentError("Give a size in whole GiB, such as 10G.");
  return value;
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
