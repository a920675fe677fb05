/**
 * The status of ports at this moment: reads the instances that are plugged in, and asks each of their hosts
 * once about all of its ports. The ports of a host that does not answer in time have none, and all others
 * have. It changes nothing.
 */
import { canLimit } from "../../../protocol/host-drivers.ts";
import type { InterfaceChange } from "../../../protocol/interface.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { hostAgentService } from "../../../protocol/machine.ts";
import type { Port } from "../../../protocol/port.ts";
import { isDown } from "../../../protocol/states.ts";
import type { AnswerOf, CallContext, Client } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { instanceView } from "../instance/state.ts";
import { stillHeld } from "../instance/still-held.ts";
import { passageLimits } from "./limits.ts";
import { type PluggedGuest, type PortWord, portStatus, type SaidStatus } from "./port-status.ts";

export interface PortStatesOptions {
  readonly store: StorePart<{ instances: "list" | "load" }>;
  readonly directory: Pick<HostDirectory, "facts" | "alive" | "heldBy">;
  readonly hostAgent: (hostId: string) => Pick<Client<typeof hostAgentService>, "portStates">;
}

type Context = Pick<CallContext, "project" | "signal">;
type Answer = AnswerOf<(typeof hostAgentService)["methods"]["portStates"]>;
type HostWord = { readonly said: Answer } | { readonly why: "silent" | "unanswered" };

/** By the id of the port. @throws UNAVAILABLE storeUnavailable */
export const portStates =
  (options: PortStatesOptions) =>
  async (ports: readonly Port[], context: Context): Promise<ReadonlyMap<string, SaidStatus>> => {
    const guests = await guestsOf(ports, options);
    const hostOf = (port: Port) => guests.get(port.deviceId ?? "")?.instance.hostId ?? undefined;
    const held = await heldPorts(ports, guests, options);
    const words = await wordsOf(Map.groupBy(ports, hostOf), context, options);
    const operator = context.project === adminProject;
    return new Map(
      ports.map((port) => {
        const guest = guestOf(port, guests.get(port.deviceId ?? ""), options);
        const word = wordAbout(port, words.get(hostOf(port) ?? ""));
        return [port.id, portStatus({ port, guest, word, operator, held: held.get(port.id) })] as const;
      }),
    );
  };

async function guestsOf(
  ports: readonly Port[],
  { store }: PortStatesOptions,
): Promise<ReadonlyMap<string, InstanceRow>> {
  const plugged = ports.flatMap(({ device, deviceId }) => (device === "instance" ? (deviceId ?? []) : []));
  const ids = [...new Set(plugged)];
  if (ids.length === 0) return new Map();
  const { rows } = await store.instances.list({ ids, limit: wireLimits.pageLengthMax });
  return new Map(rows.map((row) => [row.instance.id, row]));
}

/**
 * By the id of the port: why a deleted instance still has it. Each such instance is a read of its own, so of
 * many it is said of the first few; who gets one port is always told.
 */
async function heldPorts(
  ports: readonly Port[],
  guests: ReadonlyMap<string, InstanceRow>,
  { store, directory }: PortStatesOptions,
): Promise<ReadonlyMap<string, string>> {
  const going = ports.filter(({ device, deviceId }) => {
    const desired = guests.get(deviceId ?? "")?.instance.desired ?? "deleted";
    return device === "instance" && desired === "deleted";
  });
  const byInstance = [...Map.groupBy(going, ({ deviceId }) => deviceId ?? "")];
  const told = byInstance.slice(0, passageLimits.heldInstancesMax).map(async ([id, its]) => {
    const loaded = await store.instances.load(id);
    const said = loaded && stillHeld(loaded, (hostId) => directory.heldBy(hostId));
    return said === undefined ? [] : its.map((port) => [port.id, said] as const);
  });
  return new Map((await Promise.all(told)).flat());
}

function guestOf(
  { id }: Port,
  row: InstanceRow | undefined,
  { directory }: PortStatesOptions,
): PluggedGuest | undefined {
  if (row === undefined) return undefined;
  const { hostId, interfaces } = row.instance;
  const host = directory.facts(hostId);
  const { name, state } = instanceView(row, host);
  const change: InterfaceChange | undefined = interfaces?.find(({ portId }) => portId === id)?.change?.kind;
  const hostName = hostId === null ? null : (host?.name ?? hostId);
  const isLimiting = canLimit(host?.drivers);
  return { name, state, runs: !isDown(row.machine?.state), hostName, change, isLimiting };
}

async function wordsOf(
  asked: ReadonlyMap<string | undefined, readonly Port[]>,
  { signal }: Context,
  options: PortStatesOptions,
): Promise<ReadonlyMap<string, HostWord>> {
  const { stateHostsAtOnceMax, hostPatienceMs } = passageLimits;
  const hosts = [...asked].flatMap(([hostId, ports]) => (hostId === undefined ? [] : { hostId, ports }));
  const words = new Map<string, HostWord>();
  for (let from = 0; from < hosts.length; from += stateHostsAtOnceMax)
    await Promise.all(
      hosts.slice(from, from + stateHostsAtOnceMax).map(async ({ hostId, ports }) => {
        const call = { timeoutMs: hostPatienceMs, signal };
        words.set(hostId, await wordOf({ hostId, ports, call }, options));
      }),
    );
  return words;
}

interface Asked {
  readonly hostId: string;
  readonly ports: readonly Port[];
  readonly call: { readonly timeoutMs: number; readonly signal: AbortSignal };
}

async function wordOf(
  { hostId, ports, call }: Asked,
  { directory, hostAgent }: PortStatesOptions,
): Promise<HostWord> {
  if (!directory.alive(hostId)) return { why: "silent" };
  try {
    return { said: await hostAgent(hostId).portStates({ portIds: ports.map(({ id }) => id) }, call) };
  } catch (thrown) {
    if (thrown instanceof StatusError) return { why: "unanswered" };
    throw thrown;
  }
}

function wordAbout({ id }: Port, word: HostWord | undefined): PortWord {
  if (word === undefined || "why" in word) return { kind: "unheard", why: word?.why ?? "unanswered" };
  const { networking } = word.said;
  if (networking === null) return { kind: "said", networking };
  const { failure, ports, failed = [] } = networking;
  const [port, own] = [ports.find((one) => one.id === id), failed.find(({ portId }) => portId === id)];
  return { kind: "said", networking: { failure, port, ...(own && { failed: own }) } };
}
