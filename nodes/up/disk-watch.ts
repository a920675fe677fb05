/**
 * Watches the disk under a cluster: tells the person at the screen when it is full and when it has room
 * again, gives the reserve up before the last byte is gone, and has PostgreSQL turn the logs that it has
 * written into logs that it can write. It refuses nothing: controllers and agents do, each by its own look.
 */
import { createActorSystem } from "../../actors/runtime/actor.ts";
import { SpaceWatch } from "../../actors/runtime/space-watch.ts";
import { type FileSystemSpace, fullSentence, type Space } from "../../protocol/space.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { DirectorySpace, spaceNames, type WatchedDirectory } from "../process/disk-space.ts";
import { upLimits } from "./limits.ts";
import type { Reserve } from "./reserve.ts";
import { ServerStartError } from "./server-process.ts";

export interface DiskWatchOptions {
  readonly stateDirectory: string;
  /** Other directories of the cluster, which may be on other file systems. */
  readonly others: readonly WatchedDirectory[];
  readonly reserve: Reserve;
  /**
   * Called when the disk of the state directory has become full, and when it has room again. Never rejects.
   */
  readonly onFull: () => Promise<void>;
  readonly onRoom: () => Promise<void>;
  readonly say: (text: string) => void;
  readonly clock: Clock;
}

/**
 * Refuses a first start without the room that it needs; a later one gets the reserve when it has hardly any.
 * @throws ServerStartError, for people
 */
export async function requireRoom(
  stateDirectory: string,
  { first, reserve }: { readonly first: boolean; readonly reserve: Reserve },
): Promise<void> {
  const [found] = await new DirectorySpace([{ of: spaceNames.state, path: stateDirectory }]).look();
  if (found === undefined) return;
  const freeMib = Math.floor(found.freeBytes / bytesPerMib);
  if (!first && found.freeBytes < upLimits.reserveGivenUpBelowBytes) reserve.giveUp();
  if (first && freeMib < upLimits.firstStartMib)
    throw new ServerStartError(
      `No space left for ${stateDirectory}: ${freeMib} MiB are free there, a first start needs ` +
        `${upLimits.firstStartMib} MiB. Free space, or choose another stateDirectory in cluster.yaml.`,
      "RESOURCE_EXHAUSTED",
    );
}

const bytesPerMib = 1024 * 1024;

const nothing = (): void => undefined;
/** `up` has a screen, and no log. */
export const silent: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Begins watching, and makes the reserve. The answer ends it. */
export function watchDisks(options: DiskWatchOptions): () => void {
  const { stateDirectory, others, reserve, say, clock } = options;
  reserve.make();
  const seen = new DirectorySpace([{ of: spaceNames.state, path: stateDirectory }, ...others]);
  const look = async (): Promise<readonly FileSystemSpace[]> => {
    const found = await seen.look();
    const state = found.find(({ of }) => of === spaceNames.state);
    if (state !== undefined) keepReserve(state, options);
    return found;
  };
  const changed = (space: Space) => {
    say(sentenceOf(space));
    if (space.of === spaceNames.state) void (space.full ? options.onFull() : options.onRoom());
  };
  const system = createActorSystem({ clock, log: silent });
  const watch = new SpaceWatch({ space: { look }, system, log: silent, changed });
  void watch.start();
  return () => void watch.stop().then(() => system.stop());
}

function keepReserve({ freeBytes, totalBytes }: FileSystemSpace, { reserve, say }: DiskWatchOptions): void {
  const { reserveGivenUpBelowBytes, reserveBytes } = upLimits;
  if (freeBytes < reserveGivenUpBelowBytes) {
    if (reserve.giveUp())
      say("the reserve on the full disk is given up, so that stops and deletes are stored");
  } else if (!reserve.whole && freeBytes > Math.max(2 * reserveBytes, totalBytes / 4)) reserve.make();
}

const sentenceOf = (space: Space): string =>
  space.full
    ? `${fullSentence(space)}: no new instance is made there until there is room`
    : `the file system of the ${space.of} has room again: ${space.freeMib} of ${space.totalMib} MiB are free`;
