/**
 * What hosts answer for, seen beside their agents: of the driver `bridge` in the kernel (which addresses each
 * tap may send from), of the driver `user` in what its switch has applied; with the guests that act
 * meanwhile. Drivers that only pretend have nothing to be seen. Changes nothing, and takes what cannot be
 * read for no answer.
 */
import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { HostAnswer, HostLook } from "../../actors/promises/host-look.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { hostIdOf } from "../config/host-id.ts";
import { tapName } from "../drivers/bridge-network/device-names.ts";
import { fabricDirectory, findResidents } from "../drivers/bridge-network/holder.ts";
import { runTool } from "../drivers/tool.ts";
import { appliedState } from "../drivers/user-network/applied-state.ts";
import { guestsOf } from "./parties.ts";

/** A port with an address that may be sent from, and the instance that the host has in it. */
interface Open {
  readonly portId: string;
  readonly instanceId: string;
  readonly networkId: string;
  readonly address: string;
}

interface Seen {
  readonly version: number;
  readonly open: readonly Open[];
  readonly routers: NonNullable<HostNetworking["routers"]>;
}

/** Of hosts one after the other; of those that cannot be looked at now, nothing. */
export async function* lookAtHosts(config: ClusterConfig, look = lookAt): AsyncGenerator<HostLook> {
  for (const { name, pretends } of config.nodes) {
    if (pretends) continue;
    // What is being broken may be read half, or end while it is read: this is no reason to end the run.
    const found = await look(config, name).catch(() => undefined);
    if (found !== undefined) yield found;
  }
}

async function lookAt(config: ClusterConfig, name: string): Promise<HostLook | undefined> {
  const hostId = hostIdOf(config, name);
  const atMs = Date.now();
  const seen = await seenAt(config, name, hostId);
  if (seen === undefined) return undefined;
  const guests = await guestsOf(config);
  // A guest that is stopped answers nothing.
  const acting = new Map(
    guests
      .filter((guest) => guest.hostId === hostId && guest.process.state !== "T")
      .map(({ instanceId, process }) => [instanceId, process.pid]),
  );
  return { kind: "hostLook", atMs, untilMs: Date.now(), hostId, ...answersOf(seen, acting) };
}

async function seenAt(config: ClusterConfig, name: string, hostId: string): Promise<Seen | undefined> {
  const directory = statePaths(config).node(name);
  return (await seenInKernel(directory)) ?? (await seenInSwitch(config.stateDirectory, hostId));
}

function answersOf({ version, open, routers }: Seen, acting: ReadonlyMap<string, number>) {
  const living = open.flatMap((one) => {
    const pid = acting.get(one.instanceId);
    return pid === undefined ? [] : [{ ...one, pid }];
  });
  const own = living.map(({ portId, networkId, address, pid }): HostAnswer => {
    return { portId, pid, what: `The address ${address} of network ${networkId}` };
  });
  const floating = routers
    .flatMap((router) => router.floating)
    .flatMap(({ id: floatingId, address, portId, target }): readonly HostAnswer[] =>
      living
        .filter((one) => one.portId === portId && one.address === target)
        .map(({ pid }) => ({ portId, pid, floatingId, what: `The floating address ${address}` })),
    );
  return { version, answers: [...own, ...floating] };
}

const timeoutMs = 20_000;
const outputBytesMax = 16 * 1024 * 1024;
const sets = ["sources4", "sources6"] as const;

/** Undefined: the node has no such driver, or the kernel did not say it. */
async function seenInKernel(stateDirectory: string): Promise<Seen | undefined> {
  const directory = await realpath(fabricDirectory(stateDirectory)).catch(() => undefined);
  if (directory === undefined) return undefined;
  const [resident] = await findResidents(directory);
  const picture = await pictureIn(directory);
  if (resident === undefined || picture === undefined) return undefined;
  const ports = new Map(
    picture.networks.flatMap(({ id: networkId, ports: own }) =>
      own.map(({ id: portId, instanceId }) => [tapName(portId), { portId, instanceId, networkId }] as const),
    ),
  );
  const open: Open[] = [];
  for (const set of sets) {
    const elements = await elementsOf(resident.pid, set);
    if (elements === undefined) return undefined;
    for (const [tap = "", , address = ""] of elements) {
      const port = ports.get(tap);
      if (port !== undefined) open.push({ ...port, address });
    }
  }
  return { version: picture.version, open, routers: picture.routers ?? [] };
}

/** Of tap, MAC and address. */
async function elementsOf(pid: number, set: string): Promise<readonly (readonly string[])[] | undefined> {
  const list = [`--net=/proc/${pid}/ns/net`, "nft", "-j", "list", "set", "bridge", "nv", set];
  const { exitCode, output } = await runTool("nsenter", list, { timeoutMs, outputBytesMax });
  if (exitCode !== 0) return undefined;
  const { nftables } = JSON.parse(output) as { readonly nftables: readonly { readonly set?: NftSet }[] };
  return nftables.flatMap(({ set: said }) => said?.elem ?? []).map(({ concat }) => concat.map(String));
}

interface NftSet {
  readonly elem?: readonly { readonly concat: readonly unknown[] }[];
}

async function pictureIn(directory: string): Promise<HostNetworking | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, "picture.json"), "utf8")) as HostNetworking;
  } catch {
    // No picture was applied yet, or the file is damaged.
    return undefined;
  }
}

async function seenInSwitch(computerDirectory: string, hostId: string): Promise<Seen | undefined> {
  const { networking = null, plugs = [] } = (await appliedState(computerDirectory, hostId)) ?? {};
  if (networking === null) return undefined;
  const open = networking.networks.flatMap(({ id: networkId, ports }) =>
    ports
      .filter(({ id, instanceId }) =>
        plugs.some((plug) => plug.portId === id && plug.instanceId === instanceId),
      )
      .flatMap(({ id: portId, instanceId, addresses }) =>
        addresses.map(({ address }) => ({ portId, instanceId, networkId, address })),
      ),
  );
  return { version: networking.version, open, routers: networking.routers ?? [] };
}
