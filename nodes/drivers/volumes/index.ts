/** The volumes driver `files`: raw files in the host's own directory, or in one that hosts share. */
import { join } from "node:path";
import type { VolumesDriver } from "../kinds.ts";
import { AskedStorage, beginThread } from "./asked.ts";
import { volumeFilesFacts } from "./facts.ts";
import { FileVolumes } from "./storage.ts";

export const volumeFiles: VolumesDriver<typeof volumeFilesFacts.options> = {
  ...volumeFilesFacts,
  open({ hostId, stateDirectory, clock, ids }, { sharedDirectory, overcommit = 1 }) {
    const shared = sharedDirectory !== undefined;
    const directory = sharedDirectory ?? join(stateDirectory, "volumes");
    const newId = ids.next();
    const storage = new AskedStorage(clock, () => beginThread({ directory, overcommit, shared, newId }));
    return new FileVolumes({ hostId, clock, storage });
  },
};
