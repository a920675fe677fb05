/**
 * A directory of images with a list of checksums beside them (SHA256SUMS, SHA512SUMS), as mirrors of
 * distributions have it. Pure: texts in, entries out; a line that is wrong is passed over, and none can name
 * a file elsewhere.
 */
import { type Architecture, type DiskFormat, diskFormats } from "../../protocol/kinds.ts";
import { type Checksum, checksumOf, type Entry, isWord, urlBelow } from "./entry.ts";
import { catalogueLimits } from "./limits.ts";

/** The checksums by their file's path. Lines are those of sha256sum: digest, space, `*` or space, path. */
export function sumsIn(text: string): ReadonlyMap<string, Checksum> {
  const sums = new Map<string, Checksum>();
  const lines = text.split("\n", catalogueLimits.sumLinesMax + 1).slice(0, catalogueLimits.sumLinesMax);
  for (const line of lines) {
    const [, digest, path] = /^([0-9A-Fa-f]{64,128}) [ *](\S.{0,511})$/u.exec(line.replace(/\r$/, "")) ?? [];
    const checksum = checksumOf(digest);
    if (checksum !== undefined && path !== undefined) sums.set(path.replace(/^\.\//, ""), checksum);
  }
  return sums;
}

/** An image that the configuration names in a directory. */
export interface NamedFile {
  readonly name: string;
  readonly file: string;
  readonly version: string;
  readonly login: string | null;
  /** Undefined: the directory's own list has it. */
  readonly checksum: Checksum | undefined;
}

interface Directory {
  readonly source: string;
  readonly url: string;
  /** Empty: every image in the list counts, by the name of its file. */
  readonly named: readonly NamedFile[];
}

/** The images of a directory, from the text of its list; files that are not in it are left out. */
export function directoryEntries({ source, url, named }: Directory, text: string): readonly Entry[] {
  const sums = sumsIn(text);
  const files = named.length > 0 ? named : [...sums.keys()].flatMap(byItsFile);
  return files
    .slice(0, catalogueLimits.entriesPerSourceMax)
    .flatMap(({ name, file, version, login, ...more }) => {
      const [format, at, checksum] = [formatOf(file), urlBelow(url, file), more.checksum ?? sums.get(file)];
      if (format === undefined || at === undefined || checksum === undefined) return [];
      const entry = { source, name, aliases: [], family: name, version, architecture: architectureOf(file) };
      return [{ ...entry, format, url: at, checksum, sizeBytes: null, login }];
    });
}

function byItsFile(file: string): readonly NamedFile[] {
  const name = file.slice(file.lastIndexOf("/") + 1).replace(/\.[a-z0-9]+$/, "");
  const isImage = formatOf(file) !== undefined && isWord(name);
  return isImage ? [{ name, file, version: "-", login: null, checksum: undefined }] : [];
}

/** The format that a file's ending says; `img` says nothing, for both are called so. */
const formatOf = (file: string): DiskFormat | undefined =>
  diskFormats.find((format) => file.endsWith(`.${format}`));

/** As distributions call their files; without a word it is what nearly all computers are. */
const architectureOf = (file: string): Architecture =>
  /(?:^|[^a-z0-9])(?:arm64|aarch64)(?:[^a-z0-9]|$)/i.test(file) ? "aarch64" : "x86_64";
