/**
 * A storage of volumes as a host sees it whose storage may hang: nobody waits for it for long, and what is
 * asked of it fails until it answers again.
 */
import type { VolumeStorage } from "../../actors/ports/volumes.ts";
import type { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import { StatusError } from "../../protocol/wire/status.ts";

export function whileAnswering(
  storage: VolumeStorage,
  world: Pick<FakeWorld, "storageAnswers">,
): VolumeStorage {
  const answered = async <T>(work: () => Promise<T>): Promise<T> => {
    if (world.storageAnswers) return work();
    throw new StatusError("storageUnknown", "The simulated storage of volumes does not answer.");
  };
  return {
    kind: storage.kind,
    facts: () => answered(() => storage.facts()),
    list: () => answered(() => storage.list()),
    volumes: () => answered(() => storage.volumes()),
    usage: () => answered(async () => (await storage.usage?.()) ?? unknown()),
    create: (...asked) => answered(() => storage.create(...asked)),
    open: (...asked) => answered(() => storage.open(...asked)),
    extend: (...asked) => answered(() => storage.extend(...asked)),
    releaseOthers: (...asked) => answered(() => storage.releaseOthers(...asked)),
    remove: (...asked) => answered(() => storage.remove(...asked)),
    release: (...asked) => answered(() => storage.release(...asked)),
  };
}

function unknown(): never {
  throw new StatusError("storageUnknown", "The simulated storage of volumes does not say how full it is.");
}
