/**
 * Hosts of the network driver `bridge` on the computer that runs the specs: each has a fabric of its own, so
 * that nothing of the computer's network is changed. Their packets are filtered by nobody: what is tried with
 * them is who carries packets, and not which.
 */
import { type ChildProcess, spawnSync } from "node:child_process";
import { join } from "node:path";
import type { NetworkFacts, PortSpec, Tap } from "../../actors/ports/network.ts";
import { killed, openTap } from "../../nodes/bench/tap-opener.ts";
import { look } from "../../nodes/drivers/bridge-network/batches.ts";
import { Fabric } from "../../nodes/drivers/bridge-network/fabric.ts";
import type { PacketFilter, ServiceRoute } from "../../nodes/drivers/bridge-network/filter.ts";
import type { BridgeNetwork } from "../../nodes/drivers/bridge-network/network.ts";
import { assemble } from "../../nodes/drivers/bridge-network/open.ts";
import { planOf } from "../../nodes/drivers/bridge-network/plan.ts";
import { lackOf, lookAround } from "../../nodes/drivers/bridge-network/probe.ts";
import type { OutsideOptions } from "../../nodes/drivers/bridge-network/routing/options.ts";
import { isDone, stepsBetween } from "../../nodes/drivers/bridge-network/steps.ts";
import { makeNamespace } from "../../nodes/drivers/network-namespace.ts";
import type { PortRecord } from "../../nodes/drivers/user-network/ports.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import { silentLog, temporaryDirectory } from "./driver-world.ts";

/** A sentence about the tool or the right that is missing for fabrics. Undefined: fabrics can be made. */
export function missingForBridges(): string | undefined {
  const lack = lackOf(lookAround());
  if (lack !== undefined) return lack;
  const tried = spawnSync("unshare", ["--net", "true"]);
  return tried.status === 0 ? undefined : "network namespaces cannot be made here";
}

export const ready = async (): Promise<void> => undefined;
export const passingAll: PacketFilter = { apply: async () => [], detach: async () => undefined };

const facts: NetworkFacts = { kind: "bridge", mtuBytesMax: 1_450, spansHosts: false };

export interface BridgeHostOptions {
  readonly stateDirectory: string;
  readonly underlay?: string;
  /** Path of the namespace in which the underlay is. */
  readonly outside?: string;
  /** Absent: all packets pass. */
  readonly filter?: PacketFilter;
  /** False: nobody hears when somebody else removes tables. Absent: the driver does. */
  readonly watches?: boolean;
  /** Ways outside of its routers, by devices in that namespace. Absent: none. */
  readonly ways?: OutsideOptions;
}

export function openBridge(given: BridgeHostOptions) {
  const { stateDirectory, underlay, outside, ways, filter = passingAll, watches = true } = given;
  const about = { stateDirectory, clock: systemClock, log: silentLog };
  const fabric = new Fabric({ ...about, ...(outside === undefined ? {} : { outside }) });
  const said = underlay === undefined ? facts : { ...facts, spansHosts: true, underlay };
  let services: readonly ServiceRoute[] = [];
  const watched: PacketFilter = {
    apply: async (...given) => {
      services = await filter.apply(...given);
      return services;
    },
    get refused() {
      return filter.refused ?? new Map();
    },
    detach: (guests) => filter.detach(guests),
  };
  const parts = { fabric, filter: watched, ready, facts: () => said, watches };
  const network = assemble(about, { ...parts, ...(ways && { outside: ways }) });
  /** The steps that are left until the fabric is as planned; undefined: none are. */
  const lacks = async (networking: HostNetworking | null, ports: readonly PortRecord[]) => {
    const plan = planOf({ networking, ports, services, underlay: underlay ?? null });
    const steps = stepsBetween(plan, await look(fabric));
    return isDone(steps) && steps.orphans.length === 0 ? undefined : steps;
  };
  return { fabric, network, lacks };
}

/** One host, over the lives of its agent. */
export async function makeBridgeHost(options: Omit<BridgeHostOptions, "stateDirectory"> = {}) {
  const place = await temporaryDirectory();
  const stateDirectory = join(place.path, "state");
  let { fabric, network, lacks } = openBridge({ ...options, stateDirectory });
  const openers: ChildProcess[] = [];
  return {
    stateDirectory,
    get network(): BridgeNetwork {
      return network;
    },
    get fabric(): Fabric {
      return fabric;
    },
    openDevice: async (device: Tap, port: Pick<PortSpec, "instanceId">) => {
      openers.push(await openTap(device, port.instanceId));
    },
    /** Ends the hypervisors, which have the taps open. */
    endOpeners: () => Promise.all(openers.splice(0).map(killed)),
    restartAgent: async () => {
      await network.detach(false);
      ({ fabric, network, lacks } = openBridge({ ...options, stateDirectory }));
      return network;
    },
    lacks: (networking: HostNetworking | null, ports: readonly PortRecord[]) => lacks(networking, ports),
    close: async () => {
      await Promise.all(openers.map(killed));
      await network.detach(true);
      await place.remove();
    },
  };
}
export type BridgeHost = Awaited<ReturnType<typeof makeBridgeHost>>;

/** Two namespaces that stand for two computers, with a cable between them. */
export async function makeTwoComputers() {
  const [one, other] = await Promise.all([makeNamespace(systemClock), makeNamespace(systemClock)]);
  const paths = [one, other].map(({ fd }) => `/proc/${process.pid}/fd/${fd}`);
  const [first = "", second = ""] = paths;
  const inside = (path: string, ...argv: string[]) => {
    const { status, stderr } = spawnSync("nsenter", [`--net=${path}`, "ip", ...argv], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  };
  inside(first, "link", "add", "name", "cable", "type", "veth", "peer", "name", "cable", "netns", second);
  const addresses = ["192.0.2.1", "192.0.2.2"];
  for (const [index, path] of paths.entries()) {
    inside(path, "addr", "add", `${addresses[index]}/24`, "dev", "cable");
    inside(path, "link", "set", "dev", "cable", "up");
    inside(path, "link", "set", "dev", "lo", "up");
  }
  return {
    computers: paths.map((outside, index) => ({ outside, underlay: addresses[index] ?? "" })),
    close: () => Promise.all([one.close(), other.close()]),
  };
}
