/**
 * The verbs of volumes on a simulated host, of its storages and of its hypervisor: each takes time, and can
 * fail, hang or be the last of its agent. What they do is done by the fakes; what has no verb here is asked
 * of these at once.
 */
import type { Disks } from "../../actors/ports/disks.ts";
import type { Hypervisor } from "../../actors/ports/hypervisor.ts";
import type { VolumeStorage } from "../../actors/ports/volumes.ts";
import { FakeVolumes } from "../../nodes/drivers/fake/volumes.ts";
import type { Drivers } from "../../nodes/drivers/kinds.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { SlowVerb } from "./slowed-network.ts";

/** Work that needs room is refused on a full file system. */
type Roomy = <T>(work: () => Promise<T>, shared: boolean) => Promise<T>;

interface Volumed {
  readonly hypervisor: Hypervisor;
  readonly disks: Disks;
  readonly storages: readonly VolumeStorage[] | undefined;
  readonly verb: SlowVerb;
  readonly roomy: Roomy;
}

interface Slowed {
  /** Verbs of volumes, beside the hypervisor's other verbs. */
  readonly verbs?: VolumeVerbs;
  readonly disks?: Pick<Disks, "image">;
  readonly drivers?: Pick<Drivers, "volumes">;
}

export const slowedVolumes = ({ hypervisor, disks, storages = [], verb, roomy }: Volumed): Slowed => ({
  verbs: guestVolumes(hypervisor, verb),
  disks: imagesOf(disks, verb),
  // The host's own directory comes first.
  drivers: {
    volumes: storages.map((one, index) => slowedStorage(one, verb, { roomy, isShared: index > 0 })),
  },
});

/** Images that volumes are made of. */
function imagesOf(disks: Disks, verb: SlowVerb): Pick<Disks, "image"> {
  if (disks.image === undefined) return {};
  return {
    image: (...asked) => verb("pullImage", async () => (await disks.image?.(...asked)) ?? "", asked[1]),
  };
}

function slowedStorage(
  storage: VolumeStorage,
  verb: SlowVerb,
  { roomy, isShared }: { readonly roomy: Roomy; readonly isShared: boolean },
): VolumeStorage {
  return {
    ...{ kind: storage.kind, facts: () => storage.facts(), list: () => storage.list() },
    volumes: () => storage.volumes(),
    usage: async () => (await storage.usage?.()) ?? nothingKnown,
    create: (id, wanted, signal) =>
      verb("createVolume", () => roomy(() => storage.create(id, wanted, signal), isShared), signal),
    open: (id, use, signal) => verb("openVolume", () => storage.open(id, use, signal), signal),
    extend: (id, wanted, signal) =>
      verb("extendVolume", () => roomy(() => storage.extend(id, wanted, signal), isShared), signal),
    releaseOthers: (open, signal) =>
      verb("releaseVolumes", () => storage.releaseOthers(open, signal), signal),
    remove: (id, epoch, signal) => verb("removeVolume", () => storage.remove(id, epoch, signal), signal),
    release: (holding, signal) => verb("releaseVolumes", () => storage.release(holding, signal), signal),
  };
}

/** Of copies of volumes, each piece takes a verb's time and room, and may be the last of its agent. */
export function slowCopies(
  storages: readonly VolumeStorage[],
  { verb, roomy, answers }: Pick<Volumed, "verb" | "roomy"> & { readonly answers: () => boolean },
): void {
  const piece = async () => {
    if (answers()) return;
    throw new StatusError("storageUnknown", "The simulated storage of volumes does not answer.");
  };
  storages.forEach((one, index) => {
    if (one instanceof FakeVolumes)
      one.slowDown((signal) => verb("copyVolume", () => roomy(piece, index > 0), signal));
  });
}

const nothingKnown = { capacityBytes: 0, freeBytes: 0, promisedBytes: 0, allocatedBytes: 0 };

type VolumeVerbs = Pick<
  Hypervisor,
  "attachVolume" | "detachVolume" | "volumesOf" | "resizeVolume" | "continueFull"
>;

/** Of a hypervisor without volumes: nothing. */
function guestVolumes(hypervisor: Hypervisor, verb: SlowVerb): VolumeVerbs {
  if (hypervisor.attachVolume === undefined) return {};
  return {
    attachVolume: (...asked) =>
      verb("attachVolume", async () => hypervisor.attachVolume?.(...asked), asked[2]),
    detachVolume: (...asked) =>
      verb("detachVolume", async () => hypervisor.detachVolume?.(...asked), asked[3]),
    volumesOf: (...asked) =>
      verb("volumesOf", async () => (await hypervisor.volumesOf?.(...asked)) ?? [], asked[1]),
    resizeVolume: (...asked) =>
      verb("resizeVolume", async () => hypervisor.resizeVolume?.(...asked), asked[3]),
    continueFull: (...asked) =>
      verb("continueFull", async () => (await hypervisor.continueFull?.(...asked)) ?? false, asked[1]),
  };
}
