/** The command line of a bridge, and what its record says. Pure. */
import type { Bridge } from "./bridges.ts";
import { nfsLimits } from "./limits.ts";
import { dataFile, groupOf, nameOf } from "./names.ts";

export const program = "qemu-storage-daemon";
/** As the kernel names its process: the first fifteen characters. */
export const programName = program.slice(0, 15);

/**
 * Writes who it is and becomes the daemon. A directory that has lost its name ends it. The daemon says a line
 * for each request that the server refuses, and a guest may make as many as it likes: no file of it grows
 * beyond the limit, and it lives on when one would (Source: POSIX, `ulimit`: of 512 bytes).
 */
export const launcher = [
  `trap "" XFSZ; ulimit -f ${nfsLimits.logBytesMax / 512};`,
  'echo $$ > "$0" && exec "$@"',
].join(" ");

/** Where the volumes are, and who writes to them. */
export interface NfsPlace {
  readonly server: string;
  readonly path: string;
  readonly writerUid: number;
  readonly firstGroup: number;
}

export const recordOf = (bridge: Bridge, sizeBytes: number): string =>
  JSON.stringify({ ...bridge, sizeBytes });

export function bridgeArguments(bridge: Bridge, place: NfsPlace, socket: string): readonly string[] {
  const { volumeId, epoch, mode } = bridge;
  const isReadOnly = mode === "readOnly";
  const node = {
    ...{ driver: "nfs", "node-name": "volume", server: { type: "inet", host: place.server } },
    path: `${place.path.replace(/\/+$/, "")}/${nameOf(volumeId, epoch)}/${dataFile}`,
    ...{ user: place.writerUid, group: groupOf(place.firstGroup, epoch), "read-only": isReadOnly },
  };
  const server = { addr: { type: "unix", path: socket } };
  const offer = { type: "nbd", id: "volume", "node-name": "volume", name: "", writable: !isReadOnly };
  return [
    ...["--blockdev", JSON.stringify(node)],
    ...["--nbd-server", JSON.stringify(server)],
    ...["--export", JSON.stringify(offer)],
  ];
}

/** Undefined: it is half written, and nothing was begun for it. */
export function bridgeIn(record: string): Bridge | undefined {
  try {
    const { volumeId, epoch, instanceId, ownerEpoch, mode } = JSON.parse(record);
    return { volumeId, epoch, instanceId, ownerEpoch, mode };
  } catch {
    return undefined;
  }
}

/** How large the volume was when the bridge began; 0 when the record does not say. */
export function begunBytesIn(record: string): number {
  try {
    const { sizeBytes } = JSON.parse(record);
    return Number.isSafeInteger(sizeBytes) ? sizeBytes : 0;
  } catch {
    return 0;
  }
}

/** Whether a process is connected to the socket, by the kernel's list of them (/proc/net/unix). */
export const isConnected = (sockets: string, path: string): boolean =>
  sockets.split("\n").some((line) => {
    const [, , , , , state, , name] = line.trim().split(/\s+/);
    return state === "03" && name === path;
  });
