/** Views of instances: in a list, alone, and explained. */

import type { FloatingIp } from "../../../protocol/floating-ip.ts";
import type { HostVerdict, Instance } from "../../../protocol/instance.ts";
import type { Operation } from "../../../protocol/operation.ts";
import type { Port } from "../../../protocol/port.ts";
import type { PublishedPort } from "../../../protocol/published-port.ts";
import type { InstanceState } from "../../../protocol/states.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import { age, duration, gibibytes, mebibytes, pairsOf, time } from "../format.ts";
import type { Column, Fact } from "../table.ts";
import type { Style } from "../terminal.ts";
import { lockText } from "./instance-edit.ts";
import { addressesOf, interfaceLine } from "./interface-options.ts";
import { statusFact } from "./networks/port-statuses.ts";
import { publicationWords } from "./networks/publication-words.ts";

export function stateStyle(state: InstanceState | Operation["state"]): Style | undefined {
  switch (state) {
    case "running":
    case "done":
      return "green";
    case "failed":
    case "unknown":
      return "red";
    case "stopped":
    case "paused":
    case "deleted":
    case "cancelled":
      return "dim";
    default:
      return "yellow";
  }
}

export function instanceColumns(nowMs: number, withProject: boolean): readonly Column<Instance>[] {
  const project: Column<Instance> = { title: "PROJECT", value: (row) => row.project };
  return [
    { title: "ID", value: ({ id }) => id },
    ...(withProject ? [project] : []),
    { title: "NAME", value: ({ name }) => name, cut: true },
    { title: "STATE", value: ({ state }) => state, style: ({ state }) => stateStyle(state) },
    { title: "HOST", value: ({ hostName, hostId }) => hostName ?? hostId ?? "-" },
    { title: "FLAVOR", value: ({ flavor }) => flavor.name, spare: true },
    { title: "ADDRESS", value: addressText, spare: true },
    {
      title: "AGE",
      value: ({ createdAtMs }) => age(createdAtMs, nowMs),
      order: ({ createdAtMs }) => nowMs - createdAtMs,
      passing: true,
    },
    { title: "IMAGE", value: ({ image }) => image.name, wide: true },
    { title: "ZONE", value: ({ availabilityZone }) => availabilityZone ?? "-", wide: true },
    { title: "METADATA", value: ({ metadata }) => pairsOf(metadata) ?? "-", wide: true },
    { title: "CREATED", value: ({ createdAtMs }) => time(createdAtMs), wide: true },
  ];
}

/** What leads to an instance from outside its networks, and its own ports. */
export interface Reaching {
  readonly ports?: readonly Port[];
  readonly published?: readonly PublishedPort[];
  readonly floating?: readonly FloatingIp[];
}

export function instanceFacts(
  instance: Instance,
  typed: (text: string) => string,
  { published = [], floating = [], ports = [] }: Reaching = {},
): readonly Fact[] {
  const { flavor, machine, failure, metadata } = instance;
  const isOnVolume = (instance.volumes ?? []).some(({ bootIndex }) => bootIndex === 0);
  const ownDisk = flavor.diskGib === 0 ? "the image's disk size" : gibibytes(flavor.diskGib);
  const disk = isOnVolume ? "its disk is a volume" : ownDisk;
  const { ephemeralGib = 0, swapMib = 0 } = flavor;
  const size = [counted(flavor.vcpus, "vCPU"), mebibytes(flavor.memoryMib), disk];
  if (ephemeralGib > 0) size.push(`an ephemeral disk of ${gibibytes(ephemeralGib)}`);
  if (swapMib > 0) size.push(`${mebibytes(swapMib)} of swap`);
  return [
    ["id", instance.id],
    ["name", instance.name],
    ["description", instance.description ?? undefined],
    ["project", instance.project],
    ["state", instance.state, stateStyle(instance.state)],
    ["locked", lockText(instance), "yellow"],
    ["failure", failure === null ? undefined : `${failure.reason}: ${failure.message}`, "red"],
    ["next", failure === null ? undefined : typed(failure.next)],
    ["wanted", instance.desired],
    ["flavor", `${flavor.name}: ${size.join(", ")}`],
    ["image", instance.image.name],
    ["host name", instance.hostname ?? undefined],
    ["key", instance.keyName ?? undefined],
    ["user data", instance.userDataBytes ? counted(instance.userDataBytes, "byte") : undefined],
    ["config drive", instance.configDrive === true ? "yes" : undefined],
    ["host", instance.hostName ?? instance.hostId ?? undefined],
    ["zone", instance.availabilityZone ?? undefined],
    ["group", instance.serverGroupId ?? undefined],
    ["recovery", recoveryOf(instance)],
    ["machine", machine === null ? undefined : machineOf(machine)],
    ["address", machine?.address ?? undefined],
    ...(instance.interfaces ?? []).flatMap((one, index): readonly Fact[] => [
      [`interface ${index}`, interfaceLine(one)],
      ...statusFact(
        `port ${index}`,
        ports.find(({ id }) => id === one.portId),
      ),
    ]),
    ...(instance.volumes ?? []).map((one): Fact => [`volume ${one.place}`, volumeLine(one)]),
    ...published.map((one): Fact => ["published", publicationWords(one)]),
    ...floating.map(({ name }): Fact => ["floating", name]),
    ["started", moment(machine?.startedAtMs)],
    ["operation", instance.operationId ?? undefined],
    ["metadata", pairsOf(metadata)],
    ["created", time(instance.createdAtMs)],
    ["updated", time(instance.updatedAtMs)],
    ["deleted", moment(instance.deletedAtMs)],
  ];
}

const addressText = ({ interfaces, machine }: Instance): string =>
  addressesOf(interfaces) ?? machine?.address ?? "-";

type Attached = NonNullable<Instance["volumes"]>[number];

const volumeLine = ({ volumeId, sizeGib, deleteOnTermination, bootIndex, change }: Attached): string => {
  const boots = bootIndex === undefined ? [] : [bootIndex === 0 ? "root disk" : `boot index ${bootIndex}`];
  const ends = deleteOnTermination ? ["deleted with the instance"] : [];
  const changes = change === undefined ? [] : [change];
  return [volumeId, gibibytes(sizeGib), ...boots, ...ends, ...changes].join(", ");
};

function recoveryOf({ recovery }: Instance): string | undefined {
  if (recovery === undefined) return undefined;
  return recovery.priority === 0 ? recovery.policy : `${recovery.policy}, priority ${recovery.priority}`;
}

function machineOf({ state, reason, message }: NonNullable<Instance["machine"]>): string {
  const why = reason === "requested" ? "" : ` (${reason})`;
  return `${state}${why}${message === "" ? "" : `: ${message}`}`;
}

const moment = (ms: number | null | undefined): string | undefined =>
  ms === null || ms === undefined ? undefined : time(ms);

export const verdictColumns: readonly Column<HostVerdict>[] = [
  { title: "HOST", value: ({ hostName }) => hostName },
  {
    title: "FITS",
    value: ({ fits }) => (fits ? "yes" : "no"),
    style: ({ fits }) => (fits ? "green" : "red"),
  },
  { title: "SCORE", value: ({ fits, score }) => (fits ? score.toFixed(3) : "-") },
  { title: "WHY", value: whyOf, cut: true },
];

function whyOf({ fits, filters, weights }: HostVerdict): string {
  const against = Object.entries(filters).flatMap(([filter, result]) =>
    result === true ? [] : [`${filter}: ${result}`],
  );
  if (!fits) return against.join("; ");
  return Object.entries(weights)
    .map(([weigher, weight]) => `${weigher} ${weight.toFixed(3)}`)
    .join(", ");
}

/**
 * A change that would make an instance fit on some hosts, and on how many. The change that helps most hosts
 * comes first.
 */
export interface Remedy {
  readonly remedy: string;
  readonly hostNames: readonly string[];
}

export function remediesOf(hosts: readonly HostVerdict[]): readonly Remedy[] {
  const names = new Map<string, string[]>();
  for (const { hostName, remedy } of hosts) {
    if (remedy === undefined) continue;
    const known = names.get(remedy) ?? [];
    known.push(hostName);
    names.set(remedy, known);
  }
  return [...names]
    .map(([remedy, hostNames]) => ({ remedy, hostNames }))
    .sort((one, other) => other.hostNames.length - one.hostNames.length);
}

export const remedyColumns: readonly Column<Remedy>[] = [
  {
    title: "TO USE",
    value: ({ hostNames: [first = "", ...more] }) =>
      more.length === 0 ? first : `${first} and ${more.length} more`,
  },
  { title: "DO", value: ({ remedy }) => remedy, cut: true },
];

/** `create: accepted, placed +12 ms, … done +3.1 s` */
export function operationLine({ kind, state, steps, startedAtMs, error }: Operation): string {
  const path = steps.map(({ step, atMs }, index) =>
    index === 0 ? step : `${step} +${duration(Math.max(0, atMs - startedAtMs))}`,
  );
  const why = error === null ? "" : ` (${error.message})`;
  return `${time(startedAtMs)}  ${kind} ${state}: ${path.join(", ")}${why}`;
}
