/** Why this host, why no host, and what is an instance waiting for: sentences out of records. Pure. */
import type { HostVerdict, Instance } from "../../protocol/instance.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { InstanceRow } from "../runtime/ports.ts";

export interface ExplainFacts {
  readonly instance: Instance;
  readonly row: InstanceRow;
  readonly hosts: readonly HostVerdict[];
  readonly operations: readonly Operation[];
}

export interface Explanation {
  readonly instance: Instance;
  readonly waitingFor: string[];
  readonly hosts: HostVerdict[];
  readonly operations: Operation[];
}

export function explanation({ instance, row, hosts, operations }: ExplainFacts): Explanation {
  return { instance, waitingFor: waitingFor(instance, row), hosts: [...hosts], operations: [...operations] };
}

function waitingFor(instance: Instance, { instance: record, machine }: InstanceRow): string[] {
  const host = instance.hostName ?? record.hostId ?? "no host";
  const sentences: string[] = [];
  if (record.failure !== null)
    sentences.push(`Nothing: it failed (${record.failure.reason}): ${record.failure.message}`);
  else if (record.settled) sentences.push("Nothing: it is what was asked for.");
  else if (record.hostId === null && record.desired !== "deleted") sentences.push("A host that fits.");
  else if (instance.state === "unknown") sentences.push(`A sign of life of host ${host}.`);
  else if (machine === undefined) sentences.push(`The first report of host ${host}.`);
  else if (machine.intentGeneration < record.generation) {
    sentences.push(
      `Host ${host} to take up generation ${record.generation}; it is at ${machine.intentGeneration}.`,
    );
  } else sentences.push(`The machine on host ${host} to become ${record.desired}; it is ${machine.state}.`);
  for (const { hostId, reason } of record.excludedHosts)
    sentences.push(`Host ${hostId} was tried and failed: ${reason}`);
  return sentences;
}
