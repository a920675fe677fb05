/**
 * The files by which the driver `user` and its switch talk: the state that the driver wants, and what the
 * switch says it has applied. Both outlive either process. A file that is damaged must never be taken for an
 * empty one: an empty state closes every port.
 */
import { createHash, randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { IpAddress, MacAddress } from "../../protocol/ip.ts";
import {
  FarPicture,
  GroupPicture,
  type HostNetworking,
  NetworkPicture,
  RouterPicture,
} from "../../protocol/networking.ts";
import { answer, Count, Id, Name, nullable, Path } from "../../protocol/wire/schema.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";

/** Names in the directory of a switch. */
export const switchFiles = {
  /** What the driver wants; the driver alone writes it. */
  state: "state.json",
  /** What the switch does; the switch alone writes it. */
  applied: "applied.json",
  /** Frames of each port, and why some were dropped; written by the switch every few seconds. */
  counters: "counters.json",
  /** Connections from which the next switch goes on; written by the switch. */
  connections: "connections.json",
  /** Locked (flock) as long as a switch lives. */
  lock: "lock",
} as const;

/**
 * Flags of Node for the switch's process: frames leave much garbage behind, which V8 would let grow. With
 * the whole table of connections in use, the process had 170 MiB; 430 MiB without these flags (measured).
 */
export const switchFlags = ["--max-semi-space-size=2", "--max-old-space-size=256"] as const;

const SwitchPlug = answer({
  portId: Id,
  networkId: Id,
  instanceId: Id,
  mac: MacAddress,
  mtuBytes: Count,
  /** What DHCP tells the guest. */
  hostName: Name,
  /** The Unix socket at which QEMU listens. */
  path: Path,
  /** The file of what the guest is told (nodes/metadata/told-file.ts). Absent: it is told nothing. */
  toldPath: Type.Optional(Path),
  /** The node's own address from which the guest's frames go to other hosts. Absent: they go to none. */
  underlay: Type.Optional(IpAddress),
  /** The node of the guest, by whose exits the guest goes outside. Absent: by none. */
  node: Type.Optional(Id),
});
export type SwitchPlug = Static<typeof SwitchPlug>;

/**
 * A process of the host that opens connections to guests in the name of their subnet's gateway: to exactly
 * these ports, whatever the guests' groups say, and nobody opens any to it.
 */
const SwitchGateway = answer({
  /** Of no port, and of no other gateway of the computer. */
  id: Id,
  networkId: Id,
  mac: MacAddress,
  /** Nothing passes if a port has it. */
  address: IpAddress,
  path: Path,
  forwards: Type.Array(answer({ portId: Id, address: IpAddress, port: Count })),
});
export type SwitchGateway = Static<typeof SwitchGateway>;

/** A process of the host that leads outside what guests of this node send by the router. */
const SwitchExit = answer({
  /** Of no port, and of no gateway or other exit of the computer. */
  id: Id,
  node: Id,
  routerId: Id,
  path: Path,
});
export type SwitchExit = Static<typeof SwitchExit>;

export interface SwitchState {
  /** Null: there was no picture yet, and nothing passes. */
  readonly networking: HostNetworking | null;
  readonly plugs: readonly SwitchPlug[];
  /** Absent: none. */
  readonly gateways?: readonly SwitchGateway[] | undefined;
  /** Absent: none. */
  readonly exits?: readonly SwitchExit[] | undefined;
}

const SwitchState = answer({
  networking: nullable(
    answer({
      ...{ version: Count, networks: Type.Array(NetworkPicture), groups: Type.Array(GroupPicture) },
      far: Type.Optional(Type.Array(FarPicture)),
      routers: Type.Optional(Type.Array(RouterPicture)),
    }),
  ),
  plugs: Type.Array(SwitchPlug),
  gateways: Type.Optional(Type.Array(SwitchGateway)),
  exits: Type.Optional(Type.Array(SwitchExit)),
});

const SwitchApplied = answer({
  /** Of the switch; with `startTicks` (field 22 of /proc/PID/stat) it names one process of this boot. */
  pid: Count,
  startTicks: Count,
  /** The version of novact that runs. */
  release: Type.String(),
  /** Version of the applied picture; null: there is no picture, and nothing passes. */
  version: nullable(Count),
  /** `stateHash` of the state file that is applied; null: none is. */
  state: nullable(Type.String()),
  /** Number of plugs that are connected to a guest at this moment. */
  plugs: Count,
  /** Why the newest state file is not applied; null: it is. */
  fault: nullable(Type.String()),
  /** Why no frames of other computers come to the node; null: they do, or it wants none. */
  underlayFault: Type.Optional(nullable(Type.String())),
});
export type SwitchApplied = Static<typeof SwitchApplied>;

/** Names a content of the state file. */
export const stateHash = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Replaces the state file durably, and answers its hash. @throws StatusError diskFull */
export async function writeSwitchState(path: string, state: SwitchState): Promise<string> {
  const text = JSON.stringify(state);
  await replaceFile(path, text, true);
  return stateHash(text);
}

/** @throws Error when the file is missing, or is no state */
export async function readSwitchState(
  path: string,
): Promise<{ readonly state: SwitchState; readonly hash: string }> {
  const text = await readFile(path, "utf8");
  return { state: stateOf(text), hash: stateHash(text) };
}

/** @throws Error when the text is no state */
export function stateOf(text: string): SwitchState {
  const state = parsed(text);
  const validator = validatorOf(SwitchState);
  if (!validator.accepts(state)) throw new Error(`It is no state of a switch. ${validator.explain(state)}`);
  const { plugs, gateways = [], exits = [] } = state;
  const twice = twiceIn([
    ...plugs.map(({ portId }) => portId),
    ...[...gateways, ...exits].map(({ id }) => id),
  ]);
  if (twice !== undefined) throw new Error(`It is no state of a switch: the port ${twice} is plugged twice.`);
  return state;
}

function twiceIn(ids: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return ids.find((id) => seen.size === seen.add(id).size);
}

/** Not durable: it says what a process does, which no power loss outlives. */
export const writeSwitchApplied = (path: string, applied: SwitchApplied): Promise<void> =>
  replaceFile(path, JSON.stringify(applied), false);

/** Undefined: no switch has said anything, or nothing that can be read. */
export async function readSwitchApplied(path: string): Promise<SwitchApplied | undefined> {
  const text = await readFile(path, "utf8").catch(() => "null");
  try {
    const applied = parsed(text);
    return validatorOf(SwitchApplied).accepts(applied) ? applied : undefined;
  } catch {
    // Damaged: it says nothing.
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error("It is no JSON.", { cause: error });
  }
}

/** The file is the old one or the new one, never a part. @throws StatusError diskFull */
export async function replaceFile(path: string, text: string, durable: boolean): Promise<void> {
  const fresh = `${path}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(fresh, "wx", 0o600);
    try {
      await file.writeFile(text);
      if (durable) await file.datasync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
    if (durable) await syncDirectory(dirname(path));
  } catch (error) {
    await rm(fresh, { force: true });
    throw fullDisk(error);
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function fullDisk(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new StatusError("diskFull", "Writing a file of the switch failed: no space is left on the host.", {
    cause: error,
  });
}
