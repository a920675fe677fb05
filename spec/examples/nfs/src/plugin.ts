/** The plug-in: volumes on an NFS server, without a mount. It opens nothing before it is asked. */
import { join } from "node:path";
import { definePlugin, type VolumesDriver } from "novact/plugin";
import { Daemons } from "./daemons.ts";
import { Nfs3 } from "./nfs3.ts";
import { nfsOptions } from "./options.ts";
import { NfsVolumes } from "./storage.ts";

export const nfs: VolumesDriver<typeof nfsOptions> = {
  options: nfsOptions,
  open({ hostId, stateDirectory }, { server, path, user, group, writer, ...options }) {
    const { firstGroup, overcommit, shared } = options;
    const place = { server, path, writerUid: writer, firstGroup };
    return new NfsVolumes({
      ...{ hostId, firstGroup, overcommit, shared },
      nfs: new Nfs3({ host: server, path, owner: { uid: user, gid: group }, writerUid: writer }),
      bridges: new Daemons({ directory: join(stateDirectory, "nfs"), place }),
    });
  },
};

export default definePlugin({ name: "nfs", api: 1, parts: () => ({ volumes: { nfs } }) });
