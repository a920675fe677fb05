/** The disks driver `files`: root disks in the host's own directory, or in one that hosts share. */
import { DirectorySpace, spaceNames } from "../../process/disk-space.ts";
import { diskKeeper } from "../disk-keeper.ts";
import { FileDisks } from "../disks-file.ts";
import { makeStateDirectories } from "../guest-directory.ts";
import type { DisksDriver } from "../kinds.ts";
import { FileStorageLeases } from "../shared-storage/leases.ts";
import { SharedStorage } from "../shared-storage/storage.ts";
import { filesFacts } from "./facts.ts";
import { foreignNames } from "./foreign-names.ts";

export const filesDisks: DisksDriver<typeof filesFacts.options> = {
  ...filesFacts,
  open({ stateDirectory, imageStore, ids }, { sharedDirectory }) {
    const directories = makeStateDirectories(stateDirectory);
    const shared = sharedDirectory === undefined ? undefined : new SharedStorage(sharedDirectory, ids);
    const space = new DirectorySpace([
      { of: spaceNames.state, path: directories.root },
      { of: spaceNames.guests, path: directories.guests },
      ...(shared === undefined ? [] : [{ of: spaceNames.shared, path: shared.root }]),
    ]);
    const disks = new FileDisks(directories, imageStore, {
      ...(shared === undefined ? {} : { shared }),
      space,
    });
    return {
      ...{ disks, space, storageId: shared?.storageId ?? null, keepers: [diskKeeper(disks)] },
      strays: () => foreignNames(directories),
      ...(shared === undefined ? {} : leasesOn(shared)),
    };
  },
};

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
