/**
 * Guests behind routers on hosts that do not do all that these routers are for. A router is no need of a
 * placement, since it may come later; so nothing is wrong, and only people can say what they want. Pure.
 */
import type { Finding } from "../../../protocol/host.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import { type BehindRouter, type DoctorInput, hostCalled, type Known } from "./input.ts";

type Outside = NonNullable<NonNullable<DoctorInput["hosts"][number]["drivers"]>["networking"]>["outside"];
type Said = Pick<Finding, "message" | "next">;

/** A host that says nothing of its networking may be of before. */
export function routingFindings({ hosts, networks = [] }: DoctorInput, known: Known): Finding[] {
  const byId = new Map(hosts.map((host) => [host.id, host]));
  return networks.flatMap(({ hostId, behindRouters }) => {
    const networking = byId.get(hostId)?.drivers?.networking;
    if (networking === undefined || behindRouters.length === 0) return [];
    const subject = hostCalled(known, hostId);
    return saidOf(networking.outside, behindRouters).map((one) => ({ kind: "advice", subject, ...one }));
  });
}

function saidOf(outside: Outside, routers: readonly BehindRouter[]): readonly Said[] {
  if (outside === undefined) return [unrouted(routers)];
  const led = [...Map.groupBy(routers, ({ physicalNetwork }) => physicalNetwork)].sort(byName);
  return led.flatMap(([name, those]) => {
    if (name === null) return [];
    const way = outside.find(({ physicalNetwork }) => physicalNetwork === name);
    if (way === undefined) return [cutOff(name, those)];
    return way.floating ? [] : unanswered(name, those);
  });
}

const byName = ([a]: readonly [string | null, unknown], [b]: readonly [string | null, unknown]): number =>
  (a ?? "") < (b ?? "") ? -1 : 1;

const guestsOf = (routers: readonly BehindRouter[]): string =>
  counted(new Set(routers.flatMap(({ instanceIds }) => instanceIds)).size, "instance");

const unrouted = (routers: readonly BehindRouter[]): Said => ({
  message: `Its network driver does not route, and has guests behind routers: ${guestsOf(routers)}.`,
  next:
    "They reach their own networks alone. Give the node the network driver bridge or user in cluster.yaml, " +
    "or have them on a host that routes: novact host show says which does.",
});

const cutOff = (name: string, routers: readonly BehindRouter[]): Said => ({
  message: `Its routers do not lead to ${name}, and its guests are to reach it: ${guestsOf(routers)}.`,
  next: `Name ${name} in the option outside of the node's network driver in cluster.yaml; its log says what failed there.`,
});

function unanswered(name: string, routers: readonly BehindRouter[]): readonly Said[] {
  const floating = routers.reduce((sum, router) => sum + router.floating, 0);
  if (floating === 0) return [];
  const message = `Nobody is answered there at ${counted(floating, "floating address", "floating addresses")} of ${name}.`;
  const next = "Have the instances on a host whose driver has floating addresses, as bridge has.";
  return [{ message, next }];
}
