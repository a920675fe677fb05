/**
 * Reads the sources of a catalogue: each by itself, so that one that does not answer, or answers nonsense,
 * hides no other. What it makes is words about images; no image is fetched here.
 */
import { readFileSync } from "node:fs";
import { StatusError } from "../../protocol/wire/status.ts";
import type { CatalogueSource } from "../config/catalogue.ts";
import { checksumOf, type Entry } from "./entry.ts";
import { readText, refusal } from "./http.ts";
import { catalogueLimits } from "./limits.ts";
import { productEntries, productFilesIn } from "./simplestreams.ts";
import { directoryEntries } from "./sums.ts";

export interface Catalogue {
  readonly entries: readonly Entry[];
  /** Sources that could not be read, with why. */
  readonly faults: readonly { readonly source: string; readonly error: StatusError }[];
}

/** @throws the signal's reason when it is aborted */
export async function readCatalogue(
  sources: readonly CatalogueSource[],
  signal: AbortSignal,
): Promise<Catalogue> {
  const read = await Promise.all(sources.map((source) => settled(source, signal)));
  signal.throwIfAborted();
  return { entries: read.flatMap(({ entries }) => entries), faults: read.flatMap(({ faults }) => faults) };
}

async function settled(source: CatalogueSource, signal: AbortSignal): Promise<Catalogue> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(catalogueLimits.indexMsMax)]);
  try {
    return { entries: await entriesOf(source, limited), faults: [] };
  } catch (thrown) {
    signal.throwIfAborted();
    const late = `The source ${source.name} did not answer in time.`;
    const error =
      thrown instanceof StatusError
        ? thrown
        : new StatusError("catalogueUnreadable", late, { cause: thrown });
    return { entries: [], faults: [{ source: source.name, error }] };
  }
}

/** The certificates of a source. @throws StatusError catalogueRefused */
export function certificatesOf({ name, caFile }: CatalogueSource): string | undefined {
  if (caFile === undefined) return undefined;
  try {
    return readFileSync(caFile, "utf8");
  } catch {
    throw refusal(`The file of certificates ${caFile} of the source ${name} cannot be read.`);
  }
}

async function entriesOf(source: CatalogueSource, signal: AbortSignal): Promise<readonly Entry[]> {
  const ca = certificatesOf(source);
  const { name, url: base } = source;
  const text = (url: string) => readText({ url, isBelieved: true, ca, signal });
  if (source.kind === "directory") {
    const named = source.images.map((one) => ({ ...one, checksum: checksumOf(one.checksum) }));
    const list = source.list === undefined ? "" : await text(new URL(source.list, base).href);
    return directoryEntries({ source: name, url: base, named }, list);
  }
  const files = productFilesIn(jsonIn(await text(`${base}streams/v1/index.json`), name), base);
  const entries: Entry[] = [];
  for (const file of files) entries.push(...productEntries(jsonIn(await text(file), name), name, base));
  return entries.slice(0, catalogueLimits.entriesPerSourceMax);
}

/** @throws StatusError catalogueRefused */
function jsonIn(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal(`The index of the source ${source} is no JSON.`);
  }
}
