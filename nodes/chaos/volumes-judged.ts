/**
 * V1 to V3 of a real cluster: no volume is open in two guests that act (what two looks in a row have seen of
 * both was so at one moment, however long a look takes), nothing is being attached or detached in the end,
 * and rows, files and open files say the same then. By the logs that guests have written, also V1, V9. Pure.
 */
import type { Fact, Violation } from "../../actors/promises/facts.ts";
import type { VolumesEnd, VolumesLook } from "../../actors/promises/host-look.ts";

export function judgeVolumes(facts: readonly Fact[]): readonly Violation[] {
  const looks = facts.filter((fact) => fact.kind === "volumesLook");
  const said = new Set<string>();
  const twice = looks
    .flatMap((look, at) => openTwice(look, looks[at + 1]))
    .filter(({ message }) => !said.has(message) && said.add(message));
  const end = facts.findLast((fact) => fact.kind === "volumesEnd");
  return [...twice, ...(end === undefined ? [] : endFaults(end))];
}

function openTwice(look: VolumesLook, next: VolumesLook | undefined): readonly Violation[] {
  const still = ({ pid, volumeId }: VolumesLook["open"][number]) =>
    next?.open.some((one) => one.pid === pid && one.volumeId === volumeId) === true;
  return [...Map.groupBy(look.open.filter(still), ({ volumeId }) => volumeId)].flatMap(([volumeId, some]) => {
    if (some.length < 2) return [];
    const guests = some.map(({ instanceId, hostId, pid }) => `${instanceId} on ${hostId} (pid ${pid})`);
    const message = `Volume ${volumeId} is open in two guests: ${guests.sort().join(" and ")}.`;
    return [{ promise: "V1", atMs: look.untilMs, message }];
  });
}

export function endFaults(end: VolumesEnd): readonly Violation[] {
  const { atMs } = end;
  const of = (promise: Violation["promise"]) => (message: string) => ({ promise, atMs, message });
  return [
    ...openFaults(end).map(of("V1")),
    ...unfinished(end).map(of("V2")),
    ...fileFaults(end).map(of("V3")),
    ...writtenTwice(end).map(of("V1")),
    ...lostWrites(end).map(of("V9")),
  ];
}

/** A living guest has open exactly the volumes of its instance's row. */
function openFaults({ open, instances, living }: VolumesEnd): readonly string[] {
  const has = (instanceId: string, volumeId: string) =>
    instances.some(
      ({ id, volumes }) => id === instanceId && volumes.some((one) => one.volumeId === volumeId),
    );
  const many = open.filter(({ instanceId, volumeId }) => !has(instanceId, volumeId));
  const few = instances
    .filter(({ id }) => living.includes(id))
    .flatMap(({ id, volumes }) =>
      volumes
        .filter(({ volumeId }) => !open.some((one) => one.volumeId === volumeId && one.instanceId === id))
        .map(({ volumeId }) => `The guest of instance ${id} does not have volume ${volumeId} open.`),
    );
  return [
    ...many.map(
      ({ instanceId, hostId, volumeId }) =>
        `The guest of ${instanceId} on ${hostId} has volume ${volumeId} open, which its instance has not.`,
    ),
    ...few,
  ];
}

/** A start of a guest whose records stand before and after another's had the volume at the same time. */
function writtenTwice({ files }: VolumesEnd): readonly string[] {
  return files.flatMap(({ volumeId, log }) => {
    const writers = (log?.runs ?? []).map(({ writer }) => writer);
    const again = new Set(writers.filter((writer, at) => writers.indexOf(writer) !== at));
    return [...again].map(
      (writer) => `Volume ${volumeId}: ${writer} wrote on after another one had written.`,
    );
  });
}

function lostWrites({ files }: VolumesEnd): readonly string[] {
  return files.flatMap(({ volumeId, log }) => {
    if (log === undefined || log.lost.length === 0) return [];
    const numbers = log.lost.slice(0, 5).join(", ");
    return [`Volume ${volumeId}: of ${log.count} records ${log.lost.length} are lost: ${numbers}.`];
  });
}

const atRest: readonly string[] = ["available", "in-use"];

function unfinished({ rows, instances }: VolumesEnd): readonly string[] {
  const under = rows.filter(({ status }) => !atRest.includes(status));
  const changing = instances.flatMap(({ id, volumes }) =>
    volumes.flatMap(({ volumeId, change }) =>
      change === undefined ? [] : `Volume ${volumeId} is ${change} at instance ${id} for ever.`,
    ),
  );
  const alone = rows.filter(
    ({ id, instanceId }) =>
      instanceId !== null &&
      !instances.some((one) => one.id === instanceId && one.volumes.some(({ volumeId }) => volumeId === id)),
  );
  const rowless = instances.flatMap(({ id, volumes }) =>
    volumes
      .filter(({ volumeId }) => !rows.some((one) => one.id === volumeId && one.instanceId === id))
      .map(({ volumeId }) => `Instance ${id} has volume ${volumeId}, whose row does not say so.`),
  );
  return [
    ...under.map(({ id, status }) => `Volume ${id} is ${status} for ever.`),
    ...changing,
    ...alone.map(({ id, instanceId }) => `Volume ${id} says ${instanceId}, which does not have it.`),
    ...rowless,
  ];
}

function fileFaults({ rows, files }: VolumesEnd): readonly string[] {
  const lost = rows.filter(
    ({ id, made, place }) =>
      made && place !== undefined && !files.some((one) => one.volumeId === id && one.place === place),
  );
  const left = files.filter(({ volumeId }) => !rows.some(({ id }) => id === volumeId));
  const misplaced = files.filter(({ volumeId, place }) =>
    rows.some((row) => row.id === volumeId && row.place !== undefined && row.place !== place),
  );
  return [
    ...lost.map(({ id, place }) => `Volume ${id} was made, and has no file in ${place}.`),
    ...left.map(({ volumeId, place }) => `The file of volume ${volumeId} in ${place} has no row.`),
    ...misplaced.map(
      ({ volumeId, place }) => `The file of volume ${volumeId} is in ${place}, its row is not.`,
    ),
  ];
}
