/**
 * Simplestreams, in which Ubuntu and others list their images: an index names product files, and these name
 * products with versions with items. Pure: values of JSON in, entries out. Each field is looked at before it
 * is used; what is not as it should be is passed over, with all that hangs on it, and harms nothing else.
 * Source: https://canonical-simplestreams.readthedocs-hosted.com (index:1.0, products:1.0).
 */
import type { Architecture, DiskFormat } from "../../protocol/kinds.ts";
import { byVersion, checksumOf, type Entry, isWord, urlBelow } from "./entry.ts";
import { catalogueLimits } from "./limits.ts";

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/** The product files of an index, as URLs below the source. */
export function productFilesIn(index: unknown, base: string): readonly string[] {
  const { format, index: listed } = fieldsOf(index);
  if (format !== "index:1.0") return [];
  const files = Object.values(fieldsOf(listed)).flatMap((one) => {
    const { datatype, path, format: written } = fieldsOf(one);
    if (written !== "products:1.0" || datatype !== "image-downloads") return [];
    return urlBelow(base, path) ?? [];
  });
  return [...new Set(files)].slice(0, catalogueLimits.productFilesMax);
}

const architectures: Readonly<Record<string, Architecture>> = {
  ...{ amd64: "x86_64", x86_64: "x86_64", arm64: "aarch64", aarch64: "aarch64" },
};

/** Kinds of items that boot by themselves, and their formats, the best first. */
const bootable: readonly (readonly [kind: string, format: DiskFormat])[] = [
  ...[["disk-kvm.img", "qcow2"] as const, ["disk1.img", "qcow2"] as const, ["disk.img", "qcow2"] as const],
  ...[["disk.qcow2", "qcow2"] as const, ["qcow2", "qcow2"] as const, ["disk.raw", "raw"] as const],
];

/** The images of a product file: of each product the newest version that has one. */
export function productEntries(products: unknown, source: string, base: string): readonly Entry[] {
  const { format, products: listed } = fieldsOf(products);
  if (format !== "products:1.0") return [];
  const entries: Entry[] = [];
  for (const product of Object.values(fieldsOf(listed))) {
    if (entries.length >= catalogueLimits.entriesPerSourceMax) break;
    const entry = entryOf(fieldsOf(product), source, base);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

function entryOf(product: Fields, source: string, base: string): Entry | undefined {
  const { os, version, release, arch } = product;
  const architecture =
    typeof arch === "string" && Object.hasOwn(architectures, arch) ? architectures[arch] : undefined;
  const named = [version, release].filter(isWord);
  const [shown] = named;
  if (!isWord(os) || shown === undefined || architecture === undefined) return undefined;
  const item = newestItem(fieldsOf(product.versions), base);
  if (item === undefined) return undefined;
  const family = os.toLowerCase();
  const name = `${family}-${shown}`;
  const aliases = aliasesOf([...named, ...wordsIn(product.aliases)], family, name);
  // A family's own images have its name as user, if the source says nothing else.
  return { ...{ source, name, aliases, family, version: shown, architecture }, ...item, login: family };
}

const wordsIn = (text: unknown): readonly string[] =>
  typeof text === "string" && text.length <= 10 * catalogueLimits.sourcePathLengthMax ? text.split(",") : [];

/** `noble` and `ubuntu/noble` are both `ubuntu-noble` here: a bare word may be any source's. */
function aliasesOf(words: readonly string[], family: string, name: string): readonly string[] {
  const all = words
    .map((word) => word.trim().replaceAll("/", "-"))
    .map((word) => (word === family || word.startsWith(`${family}-`) ? word : `${family}-${word}`))
    .filter((word) => isWord(word) && word !== name);
  return [...new Set(all)].slice(0, catalogueLimits.entryAliasesMax);
}

type Item = Pick<Entry, "format" | "url" | "checksum" | "sizeBytes">;

function newestItem(versions: Fields, base: string): Item | undefined {
  const names = Object.keys(versions)
    .filter(isWord)
    .toSorted((left, right) => byVersion(right, left));
  for (const name of names) {
    const items = Object.values(fieldsOf(fieldsOf(versions[name]).items)).map(fieldsOf);
    for (const [kind, format] of bootable) {
      const found = items
        .filter(({ ftype }) => ftype === kind)
        .flatMap((one) => itemOf(one, format, base) ?? []);
      if (found[0] !== undefined) return found[0];
    }
  }
  return undefined;
}

function itemOf({ path, sha256, size }: Fields, format: DiskFormat, base: string): Item | undefined {
  const [url, checksum] = [urlBelow(base, path), checksumOf(sha256)];
  const isSize =
    Number.isSafeInteger(size) && Number(size) > 0 && Number(size) <= catalogueLimits.fetchedBytesMax;
  if (url === undefined || checksum?.algorithm !== "sha256" || !isSize) return undefined;
  return { format, url, checksum, sizeBytes: Number(size) };
}
