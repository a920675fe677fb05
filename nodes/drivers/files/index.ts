/** The disks driver `files`: root disks in the host's own directory, or in one that hosts share. */
import type { Clock } from "../../../protocol/wire/transport.ts";
import {
  DirectorySpace,
  type SpaceUse,
  spaceNames,
  type WatchedDirectory,
} from "../../process/disk-space.ts";
import { diskKeeper } from "../disk-keeper.ts";
import { allocatedBy, allocatedIn, useOf } from "../disk-use.ts";
import { FileDisks } from "../disks-file.ts";
import { makeStateDirectories, type StateDirectories } from "../guest-directory.ts";
import type { DisksDriver } from "../kinds.ts";
import { FileStorageLeases } from "../shared-storage/leases.ts";
import { SharedStorage } from "../shared-storage/storage.ts";
import { filesFacts } from "./facts.ts";
import { foreignNames } from "./foreign-names.ts";
import { auditCache, cacheRoomOf, givenImagesOf, imageSourceOf, knownPeersOf } from "./image-cache.ts";

export const filesDisks: DisksDriver<typeof filesFacts.options> = {
  ...filesFacts,
  open(context, { sharedDirectory, ...ofImages }) {
    const { stateDirectory, ids, clock } = context;
    const directories = makeStateDirectories(stateDirectory);
    const cache = cacheRoomOf(directories, ofImages, context);
    const shared = sharedDirectory === undefined ? undefined : new SharedStorage(sharedDirectory, ids);
    const sharing = shared === undefined ? {} : { shared };
    // Asked only once there are disks.
    const paths = () => disks.diskPaths();
    const space = new DirectorySpace(watched(directories, shared, { paths, clock }));
    const options = { ...sharing, space, cache };
    const peers = knownPeersOf(context, ofImages);
    const disks = new FileDisks(directories, imageSourceOf(context, ofImages, peers), options);
    return {
      ...{ disks, space, storageId: shared?.storageId ?? null, keepers: [diskKeeper(disks)] },
      strays: () => foreignNames(directories),
      imageCache: () => auditCache(directories, cache.room),
      ...givenImagesOf(cache.given, peers, ofImages),
      ...(shared === undefined ? {} : leasesOn(shared)),
    };
  },
};

interface Measuring {
  readonly paths: FileDisks["diskPaths"];
  readonly clock: Clock;
}

/** Images lie with the state, or on the storage that hosts share, where the cache is that of all of them. */
function watched(
  { root, guests, images }: StateDirectories,
  shared: SharedStorage | undefined,
  { paths, clock }: Measuring,
): readonly WatchedDirectory[] {
  const imagesIn = (path: string) => async () => ({ imagesBytes: await allocatedIn(path) });
  const use = (...measures: readonly (() => Promise<SpaceUse>)[]) => useOf(measures, clock);
  const own = use(async () => ({ allocatedBytes: await allocatedBy((await paths()).own) }));
  const state = { of: spaceNames.state, path: root, use: use(imagesIn(images)) };
  if (shared === undefined) return [state, { of: spaceNames.guests, path: guests, disks: true, use: own }];
  const disksThere = async () => ({ allocatedBytes: await allocatedBy((await paths()).shared) });
  const there = use(imagesIn(shared.images), disksThere);
  return [
    state,
    // Disks that were made before the host shared any storage.
    { of: spaceNames.guests, path: guests, use: own },
    { of: spaceNames.shared, path: shared.root, disks: true, use: there },
  ];
}

function leasesOn({ root }: SharedStorage) {
  let leases: FileStorageLeases | undefined;
  return {
    storageLeases: (everyGuestHolds: (path: string) => Promise<boolean>) => {
      leases = new FileStorageLeases({ directory: root, everyGuestHolds });
      return leases;
    },
    openLease: async () => leases?.openForGuest(),
  };
}
