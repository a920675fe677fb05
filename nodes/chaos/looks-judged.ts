/**
 * N1 and N5 by what hosts answered for (host-looks.ts): whoever has an address before and after a look at
 * another host had it at that look as well. A floating address counts where each picture knows of its last
 * change: of what a client leads elsewhere, the host that had it hears a moment later. Pure.
 */
import type { Fact, Violation } from "../../actors/promises/facts.ts";
import type { HostAnswer, HostLook } from "../../actors/promises/host-look.ts";

/** Changes of a floating address, as events number them. */
type Changes = ReadonlyMap<string, readonly number[]>;

export function judgeLooks(facts: readonly Fact[]): readonly Violation[] {
  const looks = facts.filter((fact) => fact.kind === "hostLook");
  const changes = changesIn(facts);
  const before = new Map<string, HostLook>();
  const said = new Set<string>();
  return looks.flatMap((look) => {
    const first = before.get(look.hostId);
    before.set(look.hostId, look);
    const between =
      first === undefined
        ? []
        : looks.filter(
            (one) => one.hostId !== look.hostId && one.atMs >= first.untilMs && one.untilMs <= look.atMs,
          );
    const all = [
      ...twiceIn(look),
      ...between.flatMap((other) => twiceOn({ first, other, last: look }, changes)),
    ];
    return all.filter(({ message }) => !said.has(message) && said.add(message));
  });
}

/** Two ports of one host. */
function twiceIn({ answers, hostId, untilMs: atMs }: HostLook): readonly Violation[] {
  return [...Map.groupBy(answers, ({ what }) => what)].flatMap(([what, some]) => {
    const ports = [...new Set(some.map(({ portId }) => portId))].sort();
    if (ports.length < 2) return [];
    return [
      { promise: "N1", atMs, message: `${what} is that of ports ${ports.join(" and ")} on ${hostId}.` },
    ];
  });
}

interface Looks {
  readonly first: HostLook | undefined;
  readonly other: HostLook;
  readonly last: HostLook;
}

function twiceOn({ first, other, last }: Looks, changes: Changes): readonly Violation[] {
  if (first === undefined) return [];
  const versions = [first, other, last].map(({ version }) => version);
  const stayed = last.answers.filter((one) => first.answers.some((was) => isSame(one, was)));
  return stayed.flatMap(({ what, portId, floatingId }) => {
    const theirs = other.answers.find((one) => one.what === what);
    if (theirs === undefined || !isKnown(versions, changes.get(floatingId ?? "") ?? [])) return [];
    const hosts = [last.hostId, other.hostId].sort().join(" and ");
    const promise = theirs.portId === portId ? "N5" : "N1";
    return [{ promise, atMs: other.untilMs, message: `${what} is answered by hosts ${hosts} at once.` }];
  });
}

const isSame = (one: HostAnswer, other: HostAnswer): boolean =>
  one.what === other.what && one.portId === other.portId && one.pid === other.pid;

/** The last change that any of them knows is known to all. */
function isKnown(versions: readonly number[], changed: readonly number[]): boolean {
  const last = changed.filter((sequence) => sequence <= Math.max(...versions)).at(-1) ?? 0;
  return versions.every((version) => version >= last);
}

function changesIn(facts: readonly Fact[]): Changes {
  const all = facts.flatMap((fact) =>
    fact.kind === "watched" && fact.project === "admin" && fact.event.noun === "floating-ip"
      ? [fact.event]
      : [],
  );
  const numbers = [...Map.groupBy(all, ({ id }) => id)].map(
    ([id, events]) => [id, events.map(({ sequence }) => sequence).sort((one, other) => one - other)] as const,
  );
  return new Map(numbers);
}
