/**
 * Whether the first packet of a conversation gets from one instance to another: what lets it pass and what
 * stops it, from the guest that sends to the guest that receives. All steps are told, also those behind the
 * first that stops it, as far as they can be looked at. Pure.
 */
import type { PassageAnswer, PassageProtocol, PassageStep } from "../../../protocol/passage.ts";
import { protocolNumberOf } from "../../../protocol/security-group.ts";
import type { End, Names, Way } from "./facts.ts";
import { betweenStep, hostStep } from "./host-steps.ts";
import { routeStep, ruleStep } from "./port-steps.ts";
import type { FirstPacket } from "./rules.ts";
import { waysOf } from "./ways.ts";

export interface Question {
  readonly from: End;
  readonly to: End;
  readonly protocol: PassageProtocol;
  /** Null: the protocol has none. */
  readonly port: number | null;
  readonly names: Names;
  /** The caller may know what hosts say of their failures. */
  readonly operator: boolean;
}

export function passage(question: Question): PassageAnswer {
  const { from, to } = question;
  const ways = waysOf(from, to);
  const guests = [guestStep(from), guestStep(to)];
  const [best] = ways
    .map((way) => ({ way, steps: [...guests, ...stepsOf(way, question)] }))
    .sort((one, other) => nearness(other.steps) - nearness(one.steps));
  const steps = best?.steps ?? [...guests, apart(question)];
  return {
    ...verdictOf(steps, question),
    from: endOf(from, best?.way.from),
    to: endOf(to, best?.way.to),
    steps,
    ways: ways.length,
  };
}

/** Of two ways, the one that more steps let pass is told; one that nothing stops before all. */
const nearness = (steps: readonly PassageStep[]): number =>
  -steps.filter(({ passes }) => passes === false).length * 100 -
  steps.filter(({ passes }) => passes === null).length;

function verdictOf(
  steps: readonly PassageStep[],
  { from, to }: Question,
): Pick<PassageAnswer, "passes" | "message"> {
  const way = `from ${from.name} to ${to.name}`;
  const stopped = steps.find(({ passes }) => passes === false);
  if (stopped !== undefined) return { passes: false, message: `Nothing passes ${way}: ${stopped.message}` };
  const unknown = steps.find(({ passes }) => passes === null);
  if (unknown !== undefined)
    return { passes: null, message: `Nothing is known to stop it ${way}, but: ${unknown.message}` };
  return { passes: true, message: `It passes ${way}.` };
}

const endOf = ({ instanceId, name, host }: End, way: Way["from"] | undefined): PassageAnswer["from"] => ({
  ...{ instanceId, name, hostName: host?.name ?? null },
  ...{ portId: way?.portId ?? null, address: way?.address?.address ?? null },
});

function guestStep({ name, state, host }: End): PassageStep {
  const where = host === null ? "" : ` on ${host.name}`;
  if (state === "running") return { step: "guest", passes: true, message: `${name} is running${where}.` };
  if (state === "unknown")
    return { step: "guest", passes: null, message: `Nobody knows whether ${name} is running${where}.` };
  return {
    step: "guest",
    passes: false,
    message: `${name} is ${state}.`,
    next: `novact instance show ${name}`,
  };
}

/** There is no network that both are on. */
function apart({ from, to, names }: Question): PassageStep {
  const message = [from, to].map((end) => networksOf(end, names)).join(", ");
  return { step: "network", passes: false, message: `${message}, and no router joins these networks.` };
}

function networksOf({ name, interfaces }: End, { networks }: Names): string {
  if (interfaces === null) return `${name} is on no network, as it was made without one`;
  const its = [...new Set(interfaces.map(({ networkId }) => networks.get(networkId) ?? networkId))];
  return its.length === 0 ? `${name} is on no network` : `${name} is on ${its.join(" and ")}`;
}

function stepsOf(way: Way, question: Question): readonly PassageStep[] {
  const { from, to, names, operator } = question;
  const on = names.networks.get(way.networkId) ?? way.networkId;
  const hosts = [
    hostStep(from, { own: way.from, other: way.to, via: way.via }, operator),
    hostStep(to, { own: way.to, other: way.from, via: way.via }, operator),
  ];
  const between = from.host === null || to.host === null ? [] : [betweenStep(from.host, to.host)];
  return [
    { step: "network", passes: true, message: networkText(way, on, question) },
    ...addressSteps(way, question),
    ...(way.via === undefined ? [] : [from, to].flatMap(routingStep)),
    ...(from.host !== null && from.host.id === to.host?.id ? sameTwice(hosts) : hosts),
    ...between,
  ];
}

function networkText({ via }: Way, on: string, { names }: Question): string {
  if (via === undefined) return `Both are on the network ${on}.`;
  const other = names.networks.get(via.networkId) ?? via.networkId;
  return `The router ${via.routerId} joins the networks ${on} and ${other}.`;
}

/** Each host routes what its own guest sends. */
function routingStep({ name, host }: End): readonly PassageStep[] {
  if (
    host === null ||
    host.drivers?.networking === undefined ||
    host.drivers.networking.outside !== undefined
  )
    return [];
  const message = `The network driver of the host ${host.name} does not route what ${name} sends.`;
  return [{ step: "host", passes: false, message }];
}

/** Two that say the same are told once. */
const sameTwice = (steps: readonly PassageStep[]): readonly PassageStep[] =>
  steps.filter(({ message }, at) => steps.findIndex((one) => one.message === message) === at);

function addressSteps(way: Way, question: Question): readonly PassageStep[] {
  const { from, to, names } = question;
  const [source, destination] = [way.from.address?.address, way.to.address?.address];
  const isOne = source !== undefined && destination?.includes(":") === source.includes(":");
  if (source === undefined || destination === undefined || !isOne) {
    const said = `${from.name} has ${source ?? "no address"}, ${to.name} has ${destination ?? "no address"}`;
    return [
      { step: "address", passes: false, message: `They have no addresses of one IP version: ${said}.` },
    ];
  }
  const packet = packetOf({ source, destination }, question);
  const about = (end: Way["from"]) => ({ portId: end.portId, packet, names });
  return [
    { step: "address", passes: true, message: `It goes from ${source} to ${destination}.` },
    ...present(routeStep(from, way.from, way.to, way.via?.from)),
    // What answers has to find back.
    ...(way.from.address?.subnetId === way.to.address?.subnetId
      ? []
      : present(routeStep(to, way.to, way.from, way.via?.to))),
    ...present(ruleStep("egress", from, about(way.from))),
    ...present(ruleStep("ingress", to, about(way.to))),
  ];
}

const present = <T>(one: T | undefined): readonly T[] => (one === undefined ? [] : [one]);

/** Types of the question of ICMP (RFC 792) and of ICMPv6 (RFC 4443) that a ping asks. */
const echo = { 4: 8, 6: 128 } as const;

function packetOf(
  { source, destination }: Pick<FirstPacket, "source" | "destination">,
  { protocol, port }: Pick<Question, "protocol" | "port">,
): FirstPacket {
  const version = source.includes(":") ? 6 : 4;
  const isIcmp = protocol === "icmp";
  return {
    ...{ version, source, destination, port: isIcmp ? null : port },
    protocol: protocolNumberOf(isIcmp && version === 6 ? "icmpv6" : protocol),
    icmp: isIcmp ? { type: echo[version], code: 0 } : null,
  };
}
