/** novact host …: compute nodes, for operators. */
import { Command } from "commander";
import type { Drain, Host } from "../../../protocol/host.ts";
import { defaultZone } from "../../../protocol/kinds.ts";
import type { HostNetworkState } from "../../../protocol/networking.ts";
import { counted, kibibytes } from "../../../protocol/wire/wording.ts";
import { age, duration, gibibytes, mebibytes, pairsOf, time } from "../format.ts";
import { listCommand } from "../lists/list-command.ts";
import type { Listed } from "../lists/listed.ts";
import type { Invoke, Run } from "../run.ts";
import type { Column, Fact } from "../table.ts";
import type { Style } from "../terminal.ts";
import { imageFacts } from "./host-images.ts";
import { fenceCommand, removeCommand } from "./host-life.ts";
import { networkFaults } from "./host-network.ts";
import { freeCell, freeMibOf, spaceFacts } from "./host-space.ts";
import { switchCommands } from "./host-switch.ts";

export function hostCommand(invoke: Invoke): Command {
  const noun = new Command("host").description("Compute nodes; for operators.");
  noun.addCommand(listCommand(invoke, list));
  noun.addCommand(showCommand(invoke));
  for (const command of switchCommands(invoke)) noun.addCommand(command);
  noun.addCommand(fenceCommand(invoke, print));
  noun.addCommand(removeCommand(invoke, print));
  return noun;
}

/** The host's state in one word: silence outweighs an operator's wish, and a fence outweighs silence. */
function stateOf({ alive, enabled, lease, draining }: Host): string {
  if (lease?.state === "fenced") return "fenced";
  if (!alive) return "silent";
  if (draining) return "draining";
  return enabled ? "up" : "disabled";
}

function styleOf(host: Host): Style {
  if (!host.alive || host.lease?.state === "fenced") return "red";
  return host.enabled ? "green" : "yellow";
}

/** The host lease in words: since when it has ended, and by what proof. */
function leaseOf({ lease }: Host, nowMs: number): string | undefined {
  if (lease === null) return undefined;
  const { leaseEpoch, fencedBy, state, silentMs, sentence, storageId } = lease;
  if (fencedBy !== null)
    return `fenced ${age(fencedBy.atMs, nowMs)} ago, epoch ${leaseEpoch}: ${sentence ?? fencedBy.kind}`;
  const renewed = silentMs === undefined ? "" : `, renewed ${duration(silentMs)} ago`;
  const storage = storageId ? ", also on its storage" : "";
  return `${state}, epoch ${leaseEpoch}${renewed}${storage}`;
}

/** The operator who signed the fence: first the name that the bus has proved, then the claimed one. */
function fencedBy({ lease }: Host): string | undefined {
  const proof = lease?.fencedBy;
  if (proof?.kind !== "operator") return undefined;
  return proof.claimedBy === undefined ? proof.by : `${proof.by}, who claims to be ${proof.claimedBy}`;
}

/** The zone under which users know it: a host in none is in the default one. */
const zoneOf = ({ availabilityZone }: Host): string => availabilityZone ?? defaultZone;

const leaseCell = ({ lease }: Host): string => lease?.state ?? "none";

const used = (claimed: number, capacity: number, format: (value: number) => string): string =>
  `${format(claimed)} / ${format(capacity)}`;

const columns = (nowMs: number): readonly Column<Host>[] => [
  { title: "NAME", value: ({ name }) => name, cut: true },
  { title: "STATE", value: stateOf, style: styleOf },
  {
    title: "VCPUS",
    value: ({ claimed, capacity }) => used(claimed.vcpus, capacity.vcpus, String),
    order: ({ claimed }) => claimed.vcpus,
  },
  {
    title: "MEMORY",
    value: ({ claimed, capacity }) => used(claimed.memoryMib, capacity.memoryMib, mebibytes),
    order: ({ claimed }) => claimed.memoryMib,
  },
  {
    title: "DISK",
    value: ({ claimed, capacity }) => used(claimed.diskGib, capacity.diskGib, gibibytes),
    order: ({ claimed }) => claimed.diskGib,
  },
  { title: "INSTANCES", value: ({ instances }) => String(instances) },
  { title: "LEASE", value: leaseCell, spare: true },
  { title: "RUNS", value: ({ hypervisor, accelerator }) => `${hypervisor}/${accelerator}`, spare: true },
  { title: "ZONE", value: zoneOf, spare: true },
  {
    title: "HEARD",
    value: ({ lastSeenAtMs }) => age(lastSeenAtMs, nowMs),
    order: ({ lastSeenAtMs }) => nowMs - lastSeenAtMs,
    passing: true,
  },
  { title: "ID", value: ({ id }) => id, wide: true },
  { title: "FREE", value: freeCell, order: freeMibOf, wide: true, passing: true },
  { title: "STORAGE", value: ({ storageId }) => storageId ?? "-", wide: true },
  { title: "LABELS", value: ({ labels }) => pairsOf(labels) ?? "-", wide: true },
];

const buildsOf = ({ ioOps = 0, failedBuilds = 0 }: Host): string =>
  `${ioOps} under way${failedBuilds === 0 ? "" : `, the last ${failedBuilds} failed`}`;

const ownOf = ({ pinnedCpus = 0 }: Host): string =>
  pinnedCpus === 0 ? "" : `, ${pinnedCpus} of them ${pinnedCpus === 1 ? "a CPU" : "CPUs"} of guests' own`;

type NumaCounts = NonNullable<Host["numa"]>[number];
type Use = NonNullable<Host["numaClaimed"]>[number];

/**
 * One NUMA node in words. Claims are shown only where there are any: most hosts have no guests with NUMA
 * nodes of their own.
 */
function numaOf({ vcpus, memoryMib, hugePages }: NumaCounts, use: Use | undefined): string {
  const some = (claimed: number | undefined, text: string) => (claimed ? `${claimed} of ${text}` : text);
  const pages = hugePages.filter(({ total }) => total > 0);
  const huge = pages.map(({ total, sizeKib }) => {
    const claimed = use?.hugePages.find((one) => one.sizeKib === sizeKib)?.claimed;
    return some(claimed, `${counted(total, "page")} of ${kibibytes(sizeKib)}`);
  });
  const memory = use?.memoryMib ? `${mebibytes(use.memoryMib)} of ` : "";
  return [some(use?.pinnedCpus, counted(vcpus, "CPU")), `${memory}${mebibytes(memoryMib)}`, ...huge].join(
    ", ",
  );
}

const drainFacts = ({ moving, moved, deleted = 0, left, cannot, staying }: Drain): readonly Fact[] => [
  [
    "draining",
    `${moved} moved, ${moving} on their way, ${left} left, ${staying} stay${deleted === 0 ? "" : `, ${deleted} deleted`}`,
  ],
  ...cannot.map(({ name, why }): Fact => ["stays", `${name}: ${why}`, "yellow"]),
];

const facts = (host: Host, nowMs: number, drain?: Drain): readonly Fact[] => [
  ["id", host.id],
  ["name", host.name],
  ["state", stateOf(host), styleOf(host)],
  ["disabled because", host.disabledReason ?? undefined],
  ["operation", host.draining?.operationId],
  ...(drain === undefined ? [] : drainFacts(drain)),
  ["lease", leaseOf(host, nowMs)],
  ["fenced by", fencedBy(host)],
  ["heard", `${age(host.lastSeenAtMs, nowMs)} ago`],
  ["vCPUs", `${host.claimed.vcpus} of ${host.capacity.vcpus} claimed${ownOf(host)}`],
  ["memory", `${mebibytes(host.claimed.memoryMib)} of ${mebibytes(host.capacity.memoryMib)} claimed`],
  ...spaceFacts(host),
  ...imageFacts(host),
  ["instances", String(host.instances)],
  ["builds", buildsOf(host)],
  ["zone", zoneOf(host)],
  ["aggregates", host.aggregates.map(({ name }) => name).join(", ") || undefined],
  ["labels", pairsOf(host.labels)],
  ["storage", host.storageId ?? undefined],
  ["NUMA nodes", host.numa?.map((node, at) => numaOf(node, host.numaClaimed?.[at])).join("; ") || undefined],
  ["features", host.features?.length ? `${host.features.length} CPU flags` : undefined],
  ["machine types", host.machineTypes?.length ? String(host.machineTypes.length) : undefined],
  ["architecture", host.architecture],
  ["hypervisor", `${host.hypervisor} ${host.hypervisorVersion}`],
  ["drivers", driversOf(host)],
  ["network driver", networkOf(host)],
  ["abilities", abilitiesOf(host)],
  ["new guests", newGuestsOf(host)],
  ["bounds", boundsOf(host)],
  ["accelerator", `${host.accelerator}: ${host.acceleratorReason}`],
  ["registered", time(host.registeredAtMs)],
];

function driversOf({ drivers }: Host): string | undefined {
  if (drivers === null || drivers === undefined) return undefined;
  const { hypervisor, disks, network, volumes } = drivers;
  const named = { hypervisor, disks, network, volumes };
  return Object.entries(named)
    .map(([kind, name]) => `${kind} ${name ?? "none"}`)
    .join(", ");
}

/** The network driver and the reason for it, where the configuration names none. */
function networkOf({ drivers }: Host): string | undefined {
  const { why } = drivers?.networking ?? {};
  return why === undefined ? undefined : `${drivers?.network}: ${why}`;
}

/** The abilities of the hypervisor, without those that are missing. */
function abilitiesOf({ drivers }: Host): string | undefined {
  if (drivers === null || drivers === undefined) return undefined;
  const { networks, volumes, console, hotPlug, liveMigration, save, configDrive, localDisks } =
    drivers.abilities;
  const words = [
    ...(networks.length === 0 ? [] : [`networks (${networks.join(", ")}${reachOf(drivers)})`]),
    ...(volumes.length === 0 ? [] : [`volumes (${volumes.join(", ")})`]),
    ...(console ? ["console"] : []),
    ...(hotPlug ? ["hot plug"] : []),
    ...(liveMigration ? ["live migration"] : []),
    ...(save ? ["save"] : []),
    ...(configDrive === true ? ["config drive"] : []),
    ...(localDisks === true ? ["local disks"] : []),
  ];
  return words.length === 0 ? "none" : words.join(", ");
}

function reachOf({ networking }: NonNullable<Host["drivers"]>): string {
  if (networking === undefined) return "";
  const { spansHosts, physicalNetworks = [], overlays, filters, hotPlug, outside } = networking;
  return [
    spansHosts ? ", to other computers" : ", on one computer",
    ...(physicalNetworks.length === 0 ? [] : [`, on ${physicalNetworks.join(", ")}`]),
    ...(overlays === false ? [", no others"] : []),
    ...(outside === undefined ? [] : [routedTo(outside.map((one) => one.physicalNetwork))]),
    ...(filters === false ? [", unfiltered"] : []),
    ...(hotPlug === false ? [", from a guest's start"] : []),
  ].join("");
}

const routedTo = (names: readonly string[]): string =>
  names.length === 0 ? ", routed" : `, routed to ${names.join(" and ")}`;

/** The hardware that new guests get, and keep. */
function newGuestsOf({ drivers }: Host): string | undefined {
  const { shapes } = drivers ?? {};
  if (shapes === undefined) return undefined;
  const models = counted(shapes.cpuModels.length, "processor");
  return `${shapes.machineType}, ${shapes.cpuModel} of ${models}, version ${shapes.versions.at(-1)}`;
}

/** The version of the cgroups that bound guests, by amount; the reason where an amount has no bound. */
function boundsOf({ drivers }: Host): string | undefined {
  if (drivers?.bounding === undefined) return undefined;
  const { memory, processes, cpu, freezer, why } = drivers.bounding;
  const by = `memory ${memory}, processes ${processes}, CPU time ${cpu}, freezer ${freezer}`;
  return why === "" ? by : `${by}: ${why}`;
}

interface Beside {
  readonly drain?: Drain | undefined;
  readonly network?: HostNetworkState | undefined;
}

async function print(run: Run, host: Host, { drain, network }: Beside = {}): Promise<void> {
  if (run.json) return run.emit({ ...host, ...(drain && { drain }), ...(network && { network }) });
  const { renderFacts } = await import("../table.ts");
  const all = [...facts(host, run.terminal.nowMs(), drain), ...networkFaults(network)];
  run.print(renderFacts(all, run.paint, run.width));
}

const list: Listed<Host> = {
  description: "Lists hosts: claimed of what there is.",
  audience: "admin",
  keyOf: ({ id }) => id,
  reader:
    ({ run, session }) =>
    async (page) => {
      const { hosts, nextMarker } = await session.host.list(page, run.call());
      return { rows: hosts, nextMarker };
    },
  columns: ({ nowMs }) => columns(nowMs),
  // What is claimed changes with the instances.
  follows: ["host", "aggregate", "instance"],
};

function showCommand(invoke: Invoke): Command {
  return new Command("show")
    .description("Shows one host.")
    .argument("<host>", "its id or name")
    .action((key: string, _options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const { host, ...beside } = await session.host.get(key, {}, run.call());
        await print(run, host, beside);
        return 0;
      }),
    );
}
