/**
 * What several processes show of themselves in the same way: actors and loops, file systems and calls, under
 * the names of their metrics.
 */
import type { ImagePeer } from "../../protocol/image-peer.ts";
import type { Space } from "../../protocol/space.ts";
import type { VolumeStorageState } from "../../protocol/volume-storage.ts";
import type { CallMeter } from "../../protocol/wire/transport.ts";
import type { LastRound, Loop } from "./loop.ts";
import { type Meter, only } from "./meter.ts";
import type { LabelsOf } from "./metrics.ts";
import type { ActorPicture } from "./system.ts";

/** Shows the actors of a system, the messages that wait for them, and the rounds of those that are loops. */
export function meterActors(
  meter: Meter,
  clock: { monotonicMs(): number },
  look: () => Iterable<ActorPicture>,
): void {
  const waiting = () => [...look()].map((actor) => actor.waiting);
  meter.look("novact_actors", () => only(waiting().length));
  meter.look("novact_mailbox_messages", () => only(waiting().reduce((sum, one) => sum + one, 0)));
  meter.look("novact_mailbox_longest_messages", () =>
    only(waiting().reduce((most, one) => Math.max(most, one), 0)),
  );
  meter.zero("novact_actor_turns_total", "novact_actor_restarts_total", "novact_mailbox_refused_total");
  meterLoops(meter, clock, look);
}

function meterLoops(
  meter: Meter,
  clock: { monotonicMs(): number },
  look: () => Iterable<ActorPicture>,
): void {
  const each = (read: (loop: Loop, last: LastRound) => number) => () =>
    [...look()].flatMap(({ path, loop: found }) =>
      found?.last === undefined ? [] : [[{ loop: path }, read(found, found.last)] as const],
    );
  meter.look(
    "novact_loop_ended_seconds",
    each((_loop, { beganAtMs, tookMs }) => (clock.monotonicMs() - beganAtMs - tookMs) / 1_000),
  );
  meter.look(
    "novact_loop_took_seconds",
    each((_loop, { tookMs }) => tookMs / 1_000),
  );
  meter.look(
    "novact_loop_failed",
    each((_loop, { failed }) => Number(failed)),
  );
  meter.look(
    "novact_loop_hanging_rounds",
    each(({ hanging }) => hanging),
  );
}

const bytesPerMib = 1024 * 1024;

/** Shows the room on file systems. */
export function meterSpaces(meter: Meter, spaces: () => readonly Space[]): void {
  const each = (read: (space: Space) => number) => () =>
    spaces().map((space) => [{ of: space.of }, read(space)] as const);
  meter.look(
    "novact_file_system_free_bytes",
    each(({ freeMib }) => freeMib * bytesPerMib),
  );
  meter.look(
    "novact_file_system_size_bytes",
    each(({ totalMib }) => totalMib * bytesPerMib),
  );
  meter.look(
    "novact_file_system_full",
    each(({ full }) => Number(full)),
  );
  meter.look(
    "novact_file_system_silent_seconds",
    each(({ silentMs = 0 }) => silentMs / 1_000),
  );
  const some = (read: (space: Space) => number | undefined) => () =>
    spaces().flatMap((space) => {
      const mib = read(space);
      return mib === undefined ? [] : [[{ of: space.of }, mib * bytesPerMib] as const];
    });
  meter.look(
    "novact_disks_allocated_bytes",
    some(({ allocatedMib }) => allocatedMib),
  );
  meter.look(
    "novact_images_cached_bytes",
    some(({ imagesMib }) => imagesMib),
  );
}

/** Counts the bytes of images that a server of this process sends. */
export function meterImagesSent(
  meter: Meter,
  given: () => { readonly transfers: number; readonly bytes: number } | undefined,
): void {
  meter.look("novact_images_sent_bytes_total", () => only(given()?.bytes));
  meter.look("novact_images_sending", () => only(given()?.transfers));
}

/** Counts what becomes of a node's images between it, controllers and other nodes. */
export function meterImagePeer(meter: Meter, told: () => ImagePeer): void {
  meterImagesSent(meter, () => ({ transfers: told().sending, bytes: told().sentBytes }));
  meter.look("novact_images_brought_bytes_total", () => {
    const { fromPeersBytes, fromControllersBytes } = told();
    return [
      [{ from: "hosts" }, fromPeersBytes] as const,
      [{ from: "controllers" }, fromControllersBytes] as const,
    ];
  });
  meter.look("novact_images_wrong_total", () => only(told().lies));
}

/** Shows how full the storages of volumes are; one that does not say is absent. */
export function meterVolumeStorages(meter: Meter, states: () => readonly VolumeStorageState[]): void {
  const some = (read: (state: VolumeStorageState) => number | undefined) => () => {
    const sums = new Map<string, number>();
    for (const state of states()) {
      const [of, mib] = [namesOf(state), read(state)];
      if (mib !== undefined) sums.set(of, (sums.get(of) ?? 0) + mib * bytesPerMib);
    }
    return [...sums].map(([of, bytes]) => [{ of }, bytes] as const);
  };
  meter.look(
    "novact_volumes_free_bytes",
    some(({ freeMib }) => freeMib),
  );
  meter.look(
    "novact_volumes_size_bytes",
    some(({ totalMib }) => totalMib),
  );
  meter.look(
    "novact_volumes_promised_bytes",
    some(({ promisedMib }) => promisedMib),
  );
  meter.look(
    "novact_volumes_allocated_bytes",
    some(({ allocatedMib }) => allocatedMib),
  );
}

/** Storages that are alike are one figure: their ids are no label. */
const namesOf = ({ kind, storageId }: VolumeStorageState): string =>
  storageId === null ? kind : `${kind}, shared`;

/** Counts the calls of one server. */
export function meterCalls(meter: Meter, door: LabelsOf<"novact_calls_kept_out_total">["door"]): CallMeter {
  meter.zero("novact_calls_kept_out_total");
  return {
    answered: (method = "unknown", code, tookMs) => {
      meter.count("novact_calls_total", { method, code });
      meter.time("novact_call_seconds", { method }, tookMs);
    },
    keptOut: (how) => meter.count("novact_calls_kept_out_total", { door, how }),
  };
}
