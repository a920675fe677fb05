/**
 * What a plan asks of networks whose guests are called from outside, and reach each other by IPv4 and IPv6
 * over a router (plan-reached.ts): method, id and request of each step. Their names are their own, so that no
 * other part of a plan takes them away; but what is asked of instances is asked of theirs as well. Pure.
 */

interface Asked {
  readonly method: string;
  readonly id: string;
  readonly request: Readonly<Record<string, unknown>>;
}

/** `floating`: an address of the client; undefined: it has none. */
type Asking = (floating: string | undefined) => Asked | undefined;

const ask =
  (method: string, id: string, request: Asked["request"] = {}): Asking =>
  () => ({ method, id, request });

const [outside, router] = ["reached-outside", "reached-router"];
const name = (what: string, number: number): string => `reached-${what}-${number}`;
/** Everybody may call them, or only the network of each other; of each IP version. */
const groups = { open: name("group", 0), near: name("group", 1) } as const;
const versions = [4, 6] as const;
const cidrs = { 4: ["10.1.0.0/28", "10.1.1.0/28"], 6: ["fd01::/64", "fd01:1::/64"] } as const;

type Version = (typeof versions)[number];
const subnet = (version: Version, number: number): string => name(`range${version}`, number);
/** Ports of UDP that the rules name: packets.ts sends to one more. */
const everybodys = { 4: { portMin: 0, portMax: 2 }, 6: { portMin: 1, portMax: 3 } } as const;
const neighbours = { portMin: 0, portMax: 3 } as const;

/** On one network after the other; the third has the closed group. */
const ports = [0, 1, 2, 3] as const;
const groupOf = (number: number): string => (number === 2 ? groups.near : groups.open);
const rule = (group: string, more: Asked["request"]): Asking =>
  ask("security-group-rule.create", "", { group, direction: "ingress", protocol: "udp", ...more });

const gate = (verb: "addInterface" | "removeInterface", version: Version, number: number): Asking =>
  ask(`router.${verb}`, router, { subnet: subnet(version, number) });

const floating =
  (verb: "set" | "delete", request: Asked["request"]): Asking =>
  (id) =>
    id === undefined ? undefined : { method: `floating-ip.${verb}`, id, request };

const numbered = (number: 0 | 1): Readonly<Record<string, Asking>> => ({
  [`network ${number}`]: ask("network.create", "", { name: name("network", number) }),
  ...Object.fromEntries(
    versions.flatMap((version) => [
      [
        `range${version} ${number}`,
        ask("subnet.create", "", {
          ...{ name: subnet(version, number), network: name("network", number) },
          cidr: cidrs[version][number],
        }),
      ],
      [`join${version} ${number}`, gate("addInterface", version, number)],
      [`part${version} ${number}`, gate("removeInterface", version, number)],
    ]),
  ),
  [`guest ${number}`]: ask("instance.create", "", {
    ...{ name: name("guest", number), flavor: "tiny", image: "tiny" },
    networks: [{ network: name("network", number) }],
  }),
});

const steps: Readonly<Record<string, Asking>> = {
  outside: ask("network.create", "", { name: outside, external: true, physicalNetwork: "public" }),
  "outside range": ask("subnet.create", "", {
    ...{ name: outside, network: outside, cidr: "203.0.113.0/27" },
  }),
  router: ask("router.create", "", { name: router, externalNetwork: outside }),
  "router closed": ask("router.set", router, { externalNetwork: null }),
  "router open": ask("router.set", router, { externalNetwork: outside }),
  ...numbered(0),
  ...numbered(1),
  "group open": ask("security-group.create", "", { name: groups.open }),
  "group near": ask("security-group.create", "", { name: groups.near }),
  ...Object.fromEntries(
    versions.flatMap((ipVersion) => [
      [`rule${ipVersion} open`, rule(groups.open, { ...everybodys[ipVersion], ipVersion })],
      [`rule${ipVersion} near`, rule(groups.near, { ...neighbours, remoteCidr: cidrs[ipVersion][1] })],
    ]),
  ),
  ...Object.fromEntries(
    ports.flatMap((number) => [
      [
        `port ${number}`,
        ask("port.create", "", {
          ...{ name: name("port", number), network: name("network", number % 2) },
          securityGroups: [groupOf(number)],
        }),
      ],
      [
        `plugged ${number}`,
        ask("instance.create", "", {
          ...{ name: name("plugged", number), flavor: "tiny", image: "tiny" },
          networks: [{ port: name("port", number) }],
        }),
      ],
      [`open ${number}`, ask("port.set", name("port", number), { securityGroups: [groups.open] })],
      [`close ${number}`, ask("port.set", name("port", number), { securityGroups: [groups.near] })],
      [
        `float ${number}`,
        ask("floating-ip.create", "", { network: outside, target: { port: name("port", number) } }),
      ],
      [`lead ${number}`, floating("set", { target: { port: name("port", number) } })],
    ]),
  ),
  "lead nowhere": floating("set", { target: null }),
  unfloat: floating("delete", {}),
};

export const reachedSteps: readonly string[] = Object.keys(steps);

/** The step of a planned command; a later number of the same step is about another address of the client. */
export function reachedTarget(step: string, address = 0): number {
  const at = reachedSteps.indexOf(step);
  if (at < 0) throw new Error(`No step is called ${step}.`);
  return at + address * reachedSteps.length;
}

/** `own`: the client's floating addresses. */
export function reachedCall(target: number, own: readonly string[]): Asked | undefined {
  const step = steps[reachedSteps[target % reachedSteps.length] ?? ""];
  return step?.(own[Math.floor(target / reachedSteps.length) % Math.max(1, own.length)]);
}
