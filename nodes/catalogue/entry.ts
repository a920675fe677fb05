/**
 * An image that can be had, and how one is found by what a person types. Pure: readers of sources make
 * entries, and a word of an entry is believed only when the image's bytes have their checksum.
 */
import type { Architecture, DiskFormat } from "../../protocol/kinds.ts";
import { catalogueLimits } from "./limits.ts";

export interface Checksum {
  readonly algorithm: "sha256" | "sha512";
  /** In lower-case hex. */
  readonly digest: string;
}

export interface Entry {
  /** Name of its source in the configuration. */
  readonly source: string;
  /** What is typed: `debian`, `ubuntu-24.04`. */
  readonly name: string;
  /** Other words for it. */
  readonly aliases: readonly string[];
  /** The family that it is the newest of, if it is: `ubuntu`. */
  readonly family: string;
  readonly version: string;
  readonly architecture: Architecture;
  readonly format: DiskFormat;
  /** Where its bytes are; null: they are made on this computer when they are wanted. */
  readonly url: string | null;
  readonly checksum: Checksum | null;
  /** Null: the source does not say. */
  readonly sizeBytes: number | null;
  /** The user that its cloud-init makes; null: the source does not say. */
  readonly login: string | null;
}

/** A word that may be a name, an alias or a version: it stands in tables, and in the names of images. */
export const isWord = (text: unknown): text is string =>
  typeof text === "string" &&
  text.length <= catalogueLimits.wordLengthMax &&
  /^[A-Za-z0-9][A-Za-z0-9._+:~-]*$/.test(text);

/** The checksum in a text of hex digits; undefined: it is none. */
export function checksumOf(text: unknown): Checksum | undefined {
  if (typeof text !== "string" || !/^[0-9A-Fa-f]+$/.test(text)) return undefined;
  const digest = text.toLowerCase();
  if (digest.length === 64) return { algorithm: "sha256", digest };
  return digest.length === 128 ? { algorithm: "sha512", digest } : undefined;
}

/**
 * The URL of a file of a source: at the source's own place or below it, whatever the path says; undefined for
 * one that leads elsewhere.
 */
export function urlBelow(base: string, path: unknown): string | undefined {
  if (typeof path !== "string" || path === "" || path.length > catalogueLimits.sourcePathLengthMax)
    return undefined;
  // Also encoded: servers decode before they look, and a backslash is a slash to a URL.
  if (/[\\\p{Cc}\s?#%]/u.test(path) || path.startsWith("/")) return undefined;
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) return undefined;
  const place = base.endsWith("/") ? base : `${base}/`;
  // A first part with a colon would be a scheme.
  const url = URL.canParse(`./${path}`, place) ? new URL(`./${path}`, place).href : "";
  return url.startsWith(new URL(place).href) ? url : undefined;
}

/** `10` is newer than `9.1`: digits are compared as numbers, all else as text. */
export function byVersion(left: string, right: string): number {
  const [one, other] = [left, right].map((text) => text.match(/\d+|\D+/g) ?? []);
  const length = Math.max(one?.length ?? 0, other?.length ?? 0);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [one?.[at], other?.[at]];
    if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
    if (a === b) continue;
    const areNumbers = /^\d/.test(a) && /^\d/.test(b);
    if (areNumbers && BigInt(a) !== BigInt(b)) return BigInt(a) < BigInt(b) ? -1 : 1;
    if (!areNumbers) return a < b ? -1 : 1;
  }
  return 0;
}

/**
 * The entries that a word means: those of that name, else those with that alias, else the newest of the
 * family. More than one: they are of several sources.
 */
export function entriesCalled(
  entries: readonly Entry[],
  word: string,
  architecture: Architecture,
): readonly Entry[] {
  const fitting = entries.filter((entry) => entry.architecture === architecture);
  const named = fitting.filter(({ name }) => name === word);
  if (named.length > 0) return named;
  const aliased = fitting.filter(({ aliases }) => aliases.includes(word));
  if (aliased.length > 0) return aliased;
  const family = fitting.filter((entry) => entry.family === word);
  const [newest] = family.toSorted((left, right) => byVersion(right.version, left.version));
  return newest === undefined ? [] : family.filter(({ version }) => byVersion(version, newest.version) === 0);
}
