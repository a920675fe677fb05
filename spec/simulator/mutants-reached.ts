/** Guards of packets by IPv6, and how each is switched off. */
import { calm, type Mutant } from "./mutants-plans.ts";
import type { Plan } from "./plan.ts";
import { reachedGuests, reachedOf, reachedOutside } from "./plan-reached.ts";
import { Random } from "./random.ts";

const fromMs = 3_000;

const shaped = (plan: Plan, hosts: number, commands: Plan["commands"]): Plan => {
  const parameters = { ...plan.parameters, ...calm, hosts, clients: 2, hostVcpus: 16, oneVersion: true };
  return { ...plan, parameters, commands: [...commands], faults: [] };
};

/** All that a seed asks of them, in peace. */
const inPeace = (plan: Plan): Plan => {
  const span = { fromMs, untilMs: plan.faultyMs, clients: 2 };
  return shaped(plan, 2, reachedOf(new Random(plan.seed).fork("reached"), span));
};

const there = [...reachedOutside(fromMs), ...reachedGuests(0, fromMs)];
/** One computer, without changes later. */
const atRest = (plan: Plan): Plan => shaped(plan, 1, there);
const onTwo = (plan: Plan): Plan => shaped(plan, 2, there);
export const reachedMutants: readonly Mutant[] = [
  {
    name: "six-leaves",
    promise: "N4",
    guard: "No router leads outside by IPv6.",
    file: "nodes/switch/routing/way.ts",
    find: "const outside = isOfIpv4(destination) ? router.outside : undefined;",
    replace: "const outside = router.outside;",
    shape: atRest,
  },
  {
    name: "routed-six-not-judged",
    promise: "N2",
    guard: "What is routed by IPv6 passes only where the rules of both ends allow it.",
    file: "nodes/switch/routing/route.ts",
    find: "  if (refusal !== undefined) return refusal;\n  const { mtuBytes } = gate.network;",
    replace:
      "  if (refusal !== undefined && packet.version < 6) return refusal;\n  const { mtuBytes } = gate.network;",
    shape: atRest,
  },
  {
    name: "routed-six-from-afar-not-judged",
    promise: "N2",
    guard: "What another host has routed by IPv6 is let in only by the rules of who gets it.",
    file: "nodes/switch/routing/route.ts",
    find: "const refusal = refusalOf(memory, { from: back.port, to, ...read }, nowMs);",
    replace: [
      "const refusal =",
      "  read.packet.version < 6 ? refusalOf(memory, { from: back.port, to, ...read }, nowMs) : undefined;",
    ].join("\n"),
    shape: onTwo,
  },
  {
    name: "six-from-any-address",
    promise: "N3",
    guard: "A guest sends by IPv6 from its own addresses only.",
    file: "nodes/switch/filter/anti-spoofing.ts",
    find: "if (mayUse(port, frame, packet.source)) return true;",
    replace: "if (mayUse(port, frame, packet.source) || packet.version > 4) return true;",
    shape: atRest,
  },
  {
    name: "six-says-anything",
    promise: "N3",
    guard: "What a guest says of neighbours goes to nobody.",
    file: "nodes/switch/switching.ts",
    find: "  if (isDiscovery(type)) return takeDiscovery(port, frame, packet);",
    replace: '  if (isDiscovery(type)) return { kind: "deliver", to: receiverOf(port, frame).portId ?? "" };',
    shape: atRest,
  },
  {
    name: "rules-of-any-version",
    promise: "N2",
    guard: "A rule is about packets of its own IP version.",
    file: "nodes/switch/filter/rules.ts",
    find: "if (rule.version !== flow.version) return false;",
    replace: "if (rule.version < 4) return false;",
    shape: inPeace,
  },
  {
    name: "six-not-routed",
    promise: "N6",
    guard: "A router's ways lead to ranges of IPv6 as well.",
    file: "nodes/switch/routing/way.ts",
    find: "router.routes.find((one) => holds(one, destination));",
    replace: "router.routes.find((one) => isOfIpv4(destination) && holds(one, destination));",
    shape: atRest,
  },
];
