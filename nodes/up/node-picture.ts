/**
 * What a person at the screen hears of nodes: that one is silent, fenced, its guests elsewhere, and itself
 * back; and of nodes that are configured no more. Pure: two looks at the hosts in, lines out. Many at once
 * are one line, so that a lost network does not fill the screen.
 */
import type { Host } from "../../protocol/host.ts";
import { counted, isOrAre } from "../../protocol/wire/wording.ts";
import { upLimits } from "./limits.ts";

/** A host as the lines need it. */
export interface Seen {
  readonly id: string;
  readonly name: string;
  readonly state: "up" | "silent" | "fenced";
  /** Number of instances placed on the host. */
  readonly instances: number;
  /** When any controller last heard the host; it grows for as long as the host lives. */
  readonly lastSeenAtMs: number;
  /** By what the host is proved to run nothing; of a fenced one. */
  readonly proof: string;
  /** Why its guests are emulated; empty: they are not. */
  readonly emulates: string;
}

/** What is read of a host. */
export interface HostFacts
  extends Pick<
    Host,
    "id" | "name" | "alive" | "instances" | "lastSeenAtMs" | "accelerator" | "acceleratorReason"
  > {
  readonly lease: Pick<NonNullable<Host["lease"]>, "state" | "sentence"> | null;
}

export const seenOf = ({ id, name, alive, lease, instances, lastSeenAtMs, ...how }: HostFacts): Seen => ({
  id,
  name,
  state: lease?.state === "fenced" ? "fenced" : alive ? "up" : "silent",
  instances,
  lastSeenAtMs,
  proof: lease?.sentence ?? "",
  emulates: how.accelerator === "tcg" ? how.acceleratorReason : "",
});

/** What is known of the hosts: the last look, and what was told of whom. */
export interface Picture {
  /** Hosts with the state that the screen shows. */
  readonly hosts: ReadonlyMap<string, Seen>;
  /** Each host as it was when it was looked at first. */
  readonly first: ReadonlyMap<string, Seen>;
  /** Hosts whose loss was told, and so is their return; as they were when they were lost. */
  readonly lost: ReadonlyMap<string, Seen>;
}

const byId = (hosts: readonly Seen[]): ReadonlyMap<string, Seen> =>
  new Map(hosts.map((host) => [host.id, host]));

/** The first look: what was so before the start of the screen is no news. */
export const pictureOf = (hosts: readonly Seen[]): Picture => ({
  hosts: byId(hosts),
  first: byId(hosts),
  lost: new Map(),
});

export interface News {
  readonly picture: Picture;
  readonly lines: readonly string[];
  /** Hosts that were fenced since the last look: where their instances go is the next question. */
  readonly fenced: readonly Seen[];
}

/**
 * The state that holds for the screen. Controllers take turns in answering, and one that has just started
 * takes every host for alive: a host is lost only if it was heard since the first look, and back only if it
 * was heard since it was lost.
 */
function stateNow(host: Seen, { hosts, first, lost }: Picture): Seen["state"] {
  const { id, state, lastSeenAtMs } = host;
  const before = hosts.get(id)?.state ?? state;
  if (state === "fenced" || state === before) return state;
  if (state === "up") return lastSeenAtMs > (lost.get(id)?.lastSeenAtMs ?? 0) ? "up" : before;
  const wasHeard = lastSeenAtMs > (first.get(id)?.lastSeenAtMs ?? lastSeenAtMs);
  return before === "up" && wasHeard ? "silent" : before;
}

export function newsOf(before: Picture, looked: readonly Seen[]): News {
  const now = looked.map((host) => ({ ...host, state: stateNow(host, before) }));
  const became = (state: Seen["state"]) =>
    now.filter(({ id, state: is }) => is === state && (before.hosts.get(id)?.state ?? state) !== state);
  const [silent, fenced] = [became("silent"), became("fenced")];
  const back = became("up").filter(({ id }) => before.lost.has(id));
  const lost = new Map(before.lost);
  for (const host of [...silent, ...fenced]) {
    const instances = (lost.get(host.id) ?? before.hosts.get(host.id) ?? host).instances;
    lost.set(host.id, { ...host, instances });
  }
  const had = ({ id }: Seen): number => lost.get(id)?.instances ?? 0;
  const lines = [
    ...told(silent, (nodes, names) => `${names} ${isOrAre(nodes.length)} silent: ${mayRun(sum(nodes, had))}`),
    ...told(fenced, (nodes, names) => {
      const [only] = nodes;
      const proof = nodes.length === 1 && only?.proof ? ` (${only.proof})` : "";
      return `${names} ${isOrAre(nodes.length)} fenced${proof}: ${leave(sum(nodes, had))}`;
    }),
    ...told(back, (nodes, names) => `${names} ${isOrAre(nodes.length)} back`),
  ];
  for (const { id } of back) lost.delete(id);
  const first = new Map([...byId(now), ...before.first]);
  return { picture: { hosts: byId(now), first, lost }, lines, fenced };
}

const mayRun = (instances: number): string =>
  instances === 0
    ? "it had no instances"
    : `nothing moves yet, ${counted(instances, "instance")} may still run there`;

const leave = (instances: number): string =>
  instances === 0 ? "it had no instances" : `${counted(instances, "instance")} may start elsewhere now`;

const sum = (nodes: readonly Seen[], of: (node: Seen) => number): number =>
  nodes.reduce((all, node) => all + of(node), 0);

/** A line for each node; one for all when they are many. */
function told(
  nodes: readonly Seen[],
  line: (nodes: readonly Seen[], names: string) => string,
): readonly string[] {
  if (nodes.length > upLimits.nodesToldApartMax) return [line(nodes, namesOf(nodes))];
  return nodes.map((node) => line([node], node.name));
}

/** `7 nodes (node-1, node-2, node-3, …)`. */
function namesOf(nodes: readonly Seen[]): string {
  const named = nodes.slice(0, upLimits.nodesToldApartMax).map(({ name }) => name);
  return `${nodes.length} nodes (${named.join(", ")}, …)`;
}

/**
 * Why nodes emulate their guests, each reason once. Only of nodes that were heard since the first look: what
 * is stored of one that has not registered yet is from its last start. `meant`: nodes that are told to.
 */
export function reasonsToEmulate(
  looked: readonly Seen[],
  { first }: Pick<Picture, "first">,
  meant: ReadonlySet<string>,
): readonly string[] {
  const heard = looked.filter(
    ({ id, state, lastSeenAtMs }) => state === "up" && lastSeenAtMs > (first.get(id)?.lastSeenAtMs ?? 0),
  );
  const reasons = heard.filter(({ name }) => !meant.has(name)).map(({ emulates }) => emulates);
  return [...new Set(reasons)].filter((reason) => reason !== "");
}

/** Where the instances of a fenced host are by now. `left`: those that are still placed on it. */
export function movedLine({ name }: Seen, had: number, left: number): string {
  const gone = Math.max(0, had - left);
  const start = `${gone} of ${counted(had, "instance")} of ${name} ${isOrAre(gone)} on another node`;
  return left === 0 ? start : `${start}, ${left} ${left === 1 ? "waits" : "wait"} for its return`;
}

/** Hosts that are known, have instances, and are configured no more. `command`: what a person types. */
export function strangersLine(
  hosts: readonly Seen[],
  configured: ReadonlySet<string>,
  command: string,
): string | undefined {
  const strangers = hosts.filter(({ name, instances }) => !configured.has(name) && instances > 0);
  const [first] = strangers;
  if (first === undefined) return undefined;
  const many = strangers.length > upLimits.nodesToldApartMax;
  const names = many ? namesOf(strangers) : strangers.map(({ name }) => name).join(", ");
  const there = counted(
    sum(strangers, (one) => one.instances),
    "instance",
  );
  return (
    `${names} ${isOrAre(strangers.length)} no longer in the configuration, with ${there}: configure ` +
    `${strangers.length === 1 ? "it" : "them"} again, or see ${command} instance list --project admin --host ${first.name}`
  );
}
