/**
 * The image of novact launch: the cluster's, if it has one of that name; else that of the catalogue, fetched
 * or built, and brought into the cluster. An image that was brought is the project's own, and private.
 */

import type { Image } from "../../../../protocol/image.ts";
import { isIdShaped } from "../../../../protocol/wire/text.ts";
import type { Entry } from "../../../catalogue/entry.ts";
import type { CataloguePlace } from "../../../catalogue/place.ts";
import { CommandError } from "../../errors.ts";
import { bytes } from "../../format.ts";
import { commandLimits } from "../../limits.ts";
import type { Run } from "../../run.ts";
import type { Session } from "../../session.ts";
import { bringImage } from "./bring.ts";
import type { Steps } from "./steps.ts";

export interface ImageAsked {
  readonly word: string;
  /** Name of the only source to look in; absent: all. */
  readonly source?: string | undefined;
}

/** @throws CommandError, StatusError */
export async function imageFor(run: Run, session: Session, asked: ImageAsked, steps: Steps): Promise<Image> {
  const { word } = asked;
  const { image: there, waiting } = await inCluster(run, session, word);
  if (there !== undefined) {
    steps.say("image", `${there.name} is in the cluster (${there.id})`);
    return there;
  }
  const { cataloguePlace } = await import("../../../catalogue/place.ts");
  const place = cataloguePlace(run.config, run.terminal.env);
  const entry = await inCatalogue(run, place, asked, steps).catch((error: unknown) => {
    // No catalogue has what the project itself has begun to make.
    const isNowhere = error instanceof CommandError && error.reason === "imageNotFound";
    throw waiting === undefined || !isNowhere ? error : notActive(word, waiting.state);
  });
  // What is typed may be another name of what was brought before.
  const before = entry.name === word ? undefined : (await inCluster(run, session, entry.name)).image;
  if (before !== undefined) {
    steps.say("image", `${word} is ${before.name}, which is in the cluster (${before.id})`);
    return before;
  }
  const file = await fileOf(run, place, entry, steps);
  steps.say("image", `${entry.name} goes into the cluster`);
  const image = await bringImage(run, session, { ...file, entry });
  steps.say("image", `${image.name} is in the cluster (${image.id}), ${bytes(image.disk?.sizeBytes ?? 0)}`);
  return image;
}

const waitsForBytes: readonly string[] = ["queued", "saving", "importing"];

interface InCluster {
  /** Absent: the project may use no image of that name. */
  readonly image?: Image | undefined;
  /**
   * The project's own, which has no bytes yet: of a launch that was broken off, which goes on, or another.
   */
  readonly waiting?: Image;
}

/** The image of this name or id. @throws CommandError */
async function inCluster(run: Run, session: Session, word: string): Promise<InCluster> {
  if (isIdShaped(word)) return { image: (await session.image.get(word, {}, run.call())).image };
  const { images } = await session.image.list({ name: word, limit: 2 }, run.call());
  if (images.length === 0) return {};
  // Several images of one name are refused with their ids.
  const id = images.length === 1 ? images[0]?.id : await several(run, session, word);
  const found = images.find((one) => one.id === id);
  const state = found?.state ?? "active";
  if (state === "active") return { image: found };
  if (found?.project === session.project && waitsForBytes.includes(state)) return { waiting: found };
  throw notActive(word, state);
}

const notActive = (word: string, state: string | undefined): CommandError =>
  new CommandError(
    "imageNotActive",
    `The image ${word} is ${state}.`,
    "Wait until it is active, or delete it: novact image show, novact image delete.",
  );

async function several(run: Run, session: Session, word: string): Promise<string> {
  const { images } = await session.image.list({ name: word, limit: commandLimits.namedMax }, run.call());
  const ids = images.map(({ id }) => id).join("\n");
  throw new CommandError(
    "ambiguous",
    `The name "${word}" belongs to several images:\n${ids}`,
    "Give the id.",
  );
}

/** @throws CommandError imageNotFound, ambiguous; the fault of the only source */
async function inCatalogue(
  run: Run,
  place: CataloguePlace,
  { word, source }: ImageAsked,
  steps: Steps,
): Promise<Entry> {
  const [{ readCatalogue }, { builtEntry }, { entriesCalled }] = await Promise.all([
    import("../../../catalogue/read.ts"),
    import("../../../catalogue/built.ts"),
    import("../../../catalogue/entry.ts"),
  ]);
  const sources = place.sources.filter(({ name }) => source === undefined || name === source);
  const { entries, faults } = await readCatalogue(sources, run.terminal.signal);
  for (const fault of faults)
    steps.say("image", `the source ${fault.source} is left out: ${fault.error.message}`);
  const all = source === undefined || source === builtEntry.source ? [builtEntry, ...entries] : entries;
  const found = entriesCalled(all, word, "x86_64");
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined)
    throw new CommandError(
      "ambiguous",
      `Several sources have an image ${word}: ${found.map((one) => one.source).join(", ")}.`,
      "Say which: --source NAME.",
    );
  if (faults.length > 0 && faults.length === sources.length && faults[0] !== undefined) throw faults[0].error;
  throw new CommandError(
    "imageNotFound",
    `Neither the cluster nor the catalogue has an image ${word}.`,
    "List what there is: novact image list, novact image catalogue.",
  );
}

interface ImageOnDisk {
  readonly file: string;
  /** True: it is here only to be brought, and goes afterwards. */
  readonly isPassing: boolean;
}

async function fileOf(run: Run, place: CataloguePlace, entry: Entry, steps: Steps): Promise<ImageOnDisk> {
  const { signal } = run.terminal;
  if (entry.url === null) {
    const { buildImage } = await import("../../../catalogue/built.ts");
    steps.say("image", `${entry.name} is built of Debian's packages, unless it was before: some minutes`);
    const say = (text: string) => steps.say("image", `  ${text}`);
    const { path } = await buildImage({ directory: place.distribution, signal, say });
    return { file: path, isPassing: false };
  }
  const [{ fetchImage }, { certificatesOf }] = await Promise.all([
    import("../../../catalogue/fetch.ts"),
    import("../../../catalogue/read.ts"),
  ]);
  const source = place.sources.find(({ name }) => name === entry.source);
  steps.say("image", `${entry.name} is fetched from ${entry.source}`);
  const file = await fetchImage({
    ...{
      entry,
      signal,
      directory: place.cache,
      ca: source === undefined ? undefined : certificatesOf(source),
    },
    progress: (done, of) => steps.moved("image", done, of),
  });
  return { file, isPassing: true };
}
