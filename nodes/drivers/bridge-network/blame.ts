/**
 * Whose fault it is that a fabric is not as planned: the steps that are left, by the port, network or router
 * that each is about. All others are carried out, so one that fails is cut off alone. Pure.
 */
import type { HostNetworking, NetworkFailure } from "../../../protocol/networking.ts";
import type { FabricPlan } from "./plan.ts";
import type { Steps } from "./steps.ts";

export interface Blame {
  readonly failures: readonly NetworkFailure[];
  /** Steps that are about nothing of the plan. */
  readonly others: readonly string[];
}

type Blamed = Pick<NetworkFailure, "of" | "id">;

/** `complaints`: what the tools have said, for people. */
export function blameFor(plan: FabricPlan, left: Steps, complaints: string): Blame {
  const owners = ownersOf(plan);
  const failures = new Map<string, NetworkFailure>();
  const others: string[] = [];
  for (const step of stepsIn(left)) {
    const blamed = blamedFor(step, plan, owners);
    if (blamed === undefined) others.push(step);
    else if (!failures.has(keyOf(blamed)))
      failures.set(keyOf(blamed), { ...blamed, why: whyOf(step, complaints) });
  }
  return { failures: [...failures.values()], others };
}

const keyOf = ({ of, id }: Blamed): string => `${of} ${id}`;

/** The first of each. */
export const onceEach = (failures: readonly NetworkFailure[]): readonly NetworkFailure[] => [
  ...new Map(failures.toReversed().map((one) => [keyOf(one), one])).values(),
];

/** Ports whose device, or whose network's device, is not right: they stay closed. */
export function closedBy(
  failures: readonly NetworkFailure[],
  networking: HostNetworking | null,
): ReadonlySet<string> {
  const of = (what: NetworkFailure["of"]) => failures.flatMap((one) => (one.of === what ? [one.id] : []));
  const networks = new Set(of("network"));
  const within = (networking?.networks ?? []).filter(({ id }) => networks.has(id));
  return new Set([...of("port"), ...within.flatMap(({ ports }) => ports.map(({ id }) => id))]);
}

export const isSameSet = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  one.size === other.size && [...one].every((key) => other.has(key));

const stepsIn = ({ before, tunnels, links, places }: Steps): readonly string[] => [
  ...before,
  ...tunnels.map(({ name }) => `link add dev ${name}`),
  ...links,
  ...places,
];

function ownersOf({ bridges, tunnels, hatches, taps, routerPorts }: FabricPlan): ReadonlyMap<string, Blamed> {
  return new Map<string, Blamed>([
    ...bridges.map(({ name, networkId: id }) => [name, { of: "network", id }] as const),
    ...tunnels.map(({ name, networkId: id }) => [name, { of: "tunnel", id }] as const),
    // Guests reach each other also while nobody tells them what IPv6 tells: it closes no port.
    ...hatches.map(({ name, networkId: id }) => [name, { of: "responder", id }] as const),
    ...routerPorts.map(({ name, routerId: id }) => [name, { of: "router", id }] as const),
    ...taps.map(({ name, portId: id }) => [name, { of: "port", id }] as const),
  ]);
}

/** An entry for an address is about whoever has the address, though it is one of the bridge. */
function blamedFor(step: string, { places }: FabricPlan, owners: ReadonlyMap<string, Blamed>) {
  const device = /\b(?:dev|name) (nv[a-z][0-9a-f]{12})\b/.exec(step)?.[1] ?? "";
  const mac = /\blladdr (\S+)/.exec(step)?.[1];
  const place = mac && places.find((one) => one.bridge === device && one.mac === mac);
  return owners.get(place ? place.device : device);
}

function whyOf(step: string, complaints: string): string {
  const [said = ""] = complaints
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("Command failed"));
  return `The host could not do this: ${step}${said === "" ? "." : ` (${said}).`}`;
}
