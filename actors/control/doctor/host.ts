/**
 * One host from both sides: what the store says of its settled instances against what its actors believe, and
 * what the actors believe against the processes and directories that are there. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import type { Observation } from "../../../protocol/machine.ts";
import type { MachineState } from "../../../protocol/states.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import { atMost } from "./at-most.ts";
import { type Kept, keptOn } from "./holdings.ts";
import { type Audit, hostCalled, type Known } from "./input.ts";
import { doctorLimits } from "./limits.ts";

/**
 * Whether a machine at rest in a state has a process and a directory. Machines in a passing state (undefined)
 * are not judged.
 */
const has = {
  preparing: undefined,
  starting: undefined,
  running: { process: true, directory: true },
  paused: { process: true, directory: true },
  stopping: undefined,
  stopped: { process: false, directory: true },
  // It may have failed at making the directory.
  failed: { process: false, directory: undefined },
  gone: { process: false, directory: false },
} as const satisfies Record<MachineState, { process: boolean; directory: boolean | undefined } | undefined>;

const healsItself = "The host heals this by itself; when it stays, restart the host's agent and report it.";

export function compareHost(audit: Audit, known: Known): Finding[] {
  const where = hostCalled(known, audit.hostId);
  const machines = audit.machines.filter(({ instanceId }) => !known.unsettled.has(instanceId));
  const all = keptOn(audit);
  const place = { audit, known, where, kept: Map.groupBy(all, ({ instanceId }) => instanceId) };
  const findings: readonly Finding[] = [
    ...missingMachines(audit, known, where),
    ...machines.flatMap((machine) => machineFindings(machine, place)),
    ...unclaimedThings(all, place),
    ...audit.strays.map((stray) => ({
      kind: "leak" as const,
      subject: where,
      message: strayMessage(stray),
      next: "Look at it on the host; when nothing needs it, remove it by hand.",
    })),
  ];
  return atMost(doctorLimits.hostFindingsMax, findings, where);
}

/** Drivers say sentences; hosts of before said a noun. */
const strayMessage = (stray: string): string =>
  stray.endsWith(".") ? stray : `It belongs to no instance: ${stray}.`;

/** Settled instances that the host owns and knows nothing of. */
function missingMachines(audit: Audit, known: Known, where: string): Finding[] {
  const there = new Set(audit.machines.map(({ instanceId }) => instanceId));
  return [...known.settled.values()]
    .filter(({ instance }) => instance.hostId === audit.hostId && !there.has(instance.id))
    .map(({ instance }) => ({
      kind: "drift",
      subject: `instance ${instance.id}`,
      message: `It is ${instance.state} on ${where}, and the host knows nothing of it.`,
      next: healsItself,
    }));
}

interface Place {
  readonly audit: Audit;
  readonly known: Known;
  readonly where: string;
  /** What is on the host, by instance: looked for once for each machine. */
  readonly kept: ReadonlyMap<string, readonly Kept[]>;
}

function machineFindings(machine: Observation, place: Place): Finding[] {
  const row = place.known.settled.get(machine.instanceId);
  if (row === undefined || row.instance.hostId !== place.audit.hostId) return foreign(machine, row, place);
  return [...disagreement(machine, row, place.where), ...reality(machine, row, place)];
}

function foreign(machine: Observation, row: InstanceRow | undefined, { where, known }: Place): Finding[] {
  if (machine.state === "gone") return [];
  const owner = row?.instance.hostId ?? null;
  const why =
    row === undefined
      ? "no instance with this id is remembered"
      : `its owner is ${owner === null ? "no host" : hostCalled(known, owner)}`;
  return [
    {
      kind: "leak",
      subject: `machine ${machine.instanceId}`,
      message: `It is ${machine.state} on ${where}, but ${why}.`,
      next: "Controllers tell hosts to remove such machines within a minute; when it stays, report it.",
    },
  ];
}

function disagreement(
  machine: Observation,
  { instance, machine: stored }: InstanceRow,
  where: string,
): Finding[] {
  const same =
    stored !== undefined &&
    machine.ownerEpoch === instance.ownerEpoch &&
    machine.state === stored.state &&
    machine.generation === stored.generation;
  if (same) return [];
  const remembered = stored === undefined ? "nothing" : `${stored.state} (generation ${stored.generation})`;
  const believed = `${machine.state} (generation ${machine.generation})`;
  return [
    {
      kind: "drift",
      subject: `instance ${instance.id}`,
      message: `Remembered is ${remembered}, ${where} believes ${believed}.`,
      next: "The host reports again within half a minute; when it stays, restart its agent, and report it.",
    },
  ];
}

/** Compares a machine with its process, its directory, and whatever else is kept for it. */
function reality(machine: Observation, { instance }: InstanceRow, { audit, where, kept }: Place): Finding[] {
  const expected = has[machine.state];
  if (expected === undefined) return [];
  const own = kept.get(machine.instanceId) ?? [];
  const processes = own.filter(({ kind }) => kind === "process");
  const directory = own.some(({ kind }) => kind === "disk");
  const finding = (kind: Finding["kind"], message: string): Finding => ({
    kind,
    subject: `machine ${machine.instanceId}`,
    message,
    next: healsItself,
  });
  const findings: Finding[] = [];
  if (expected.process && processes.length === 0)
    findings.push(finding("drift", `${where} believes it is ${machine.state}, and there is no process.`));
  if (!expected.process && processes.length > 0) {
    const those = processes.map(({ what }) => what).join(", ");
    findings.push(finding("leak", `${where} believes it is ${machine.state}, and ${those} is there.`));
  }
  // A build that was stopped before its disk was made needs no disk; an instance that came from another host
  // has its directory here only after its first start.
  const { image, flavor } = instance;
  const isDiskless = image.disk === null && flavor.diskGib === 0;
  const lies = instance.storageId === null && !isDiskless;
  const hasDisk = instance.built && lies && audit.keepsDisks !== false;
  if (expected.directory === true && !directory && hasDisk)
    findings.push({
      ...finding("drift", `${where} believes it is ${machine.state}, and its directory is missing.`),
      next: "Its disk is lost: a start makes a new one from the image. Delete it when that is not wanted.",
    });
  if (expected.directory === false && directory)
    findings.push(finding("leak", `${where} believes it is ${machine.state}, and its directory is there.`));
  // Of other kinds it is known only that nothing is left of a machine that is gone.
  if (machine.state === "gone")
    for (const { kind, what } of own.filter((one) => one.kind !== "process" && one.kind !== "disk"))
      findings.push(finding("leak", `${where} believes it is gone, and ${what} (${kind}) is there.`));
  return findings;
}

/** Holdings of instances that the host's actors know nothing of: one rule for every keeper. */
function unclaimedThings(all: readonly Kept[], { audit, known, where }: Place): Finding[] {
  const believed = new Set(audit.machines.map(({ instanceId }) => instanceId));
  return all
    .filter(({ instanceId }) => !believed.has(instanceId) && !known.unsettled.has(instanceId))
    .map(({ instanceId, kind, what }) => ({
      kind: "leak",
      subject: `machine ${instanceId}`,
      message: `${capitalised(what)} is there (${kind}) on ${where}, and no machine actor knows of it.`,
      next: "Restart the host's agent: it takes over or removes what it finds. When it stays, report it.",
    }));
}

const capitalised = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
