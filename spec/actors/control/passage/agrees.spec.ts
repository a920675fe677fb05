/**
 * What explains a passage and what filters packets are two programs: over generated groups and rules they
 * say the same of the first packet of a conversation.
 */
import { expect } from "chai";
import fc from "fast-check";
import { pictureOf } from "../../../../actors/control/networking/picture.ts";
import { passage } from "../../../../actors/control/passage/decide.ts";
import { passageProtocols } from "../../../../protocol/passage.ts";
import { flags, icmp, ip4Frame, ip6Frame, tcp, udp } from "../../../support/frames.ts";
import { endOf, rowsOf, ruleRow } from "../../../support/passage-world.ts";
import { SwitchJudge } from "../../../support/switch-judge.ts";
import { ends4, ends6, type Guest, portIdOf } from "../../../support/switch-world.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const guests: readonly Guest[] = [1, 2, 3].map((number) => ({ network: 1, number }));
const [one, two] = guests as [Guest, Guest];
const groupIds = ["a", "b", "c"] as const;
const nothing = { networks: new Map(), groups: new Map() };

const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 2 });
const small = fc.constantFrom(0, 8, 22, 53, 128, 65_535);
const cidr = {
  4: fc.constantFrom("10.0.1.0/24", "10.0.1.1/32", "10.0.1.2/32", "10.0.1.0/31", "0.0.0.0/0", "10.0.2.0/24"),
  6: fc.constantFrom("fd00:1::/64", "fd00:1::1/128", "fd00:1::2/128", "::/0", "fd00:2::/64"),
};
const rule = fc.constantFrom(4 as const, 6 as const).chain((ipVersion) =>
  fc.record({
    ...{ groupId: fc.constantFrom(...groupIds), direction: fc.constantFrom("ingress", "egress") },
    ...{ ipVersion: fc.constant(ipVersion), protocol: orNull(fc.constantFrom(1, 6, 17, 58, 132)) },
    ...{ portMin: orNull(small), portMax: orNull(small), remoteCidr: orNull(cidr[ipVersion]) },
    remoteGroupId: orNull(fc.constantFrom(...groupIds, "gone")),
  }),
);
const pairs = fc.array(fc.record({ cidr: fc.oneof(cidr[4], cidr[6]), mac: fc.constant(null) }), {
  maxLength: 1,
});
const world = fc.record({
  guests: fc.constant(guests),
  groups: fc.tuple(...guests.map(() => fc.subarray([...groupIds]))),
  portSecurity: fc.tuple(...guests.map(() => fc.integer({ min: 0, max: 4 }).map((value) => value > 0))),
  addressPairs: fc.tuple(...guests.map(() => pairs)),
  rules: fc.array(rule, { maxLength: 6 }),
});
const call = fc.record({
  protocol: fc.constantFrom(...passageProtocols),
  port: fc.constantFrom(22, 53, 80),
  six: fc.boolean(),
});

type World = Parameters<typeof rowsOf>[0];
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

const payload = ({ protocol, port, six }: Call): readonly [number, Buffer] =>
  ({
    tcp: [6, tcp(40_000, port, flags.syn)] as const,
    udp: [17, udp(40_000, port)] as const,
    sctp: [132, udp(40_000, port, Buffer.alloc(8))] as const,
    icmp: [six ? 58 : 1, icmp(six ? 128 : 8, 0)] as const,
  })[protocol];

function sent(given: World, asked: Call): string {
  const judge = SwitchJudge.of(guests, pictureOf(rowsOf(given)));
  const [number, bytes] = payload(asked);
  return judge.send(
    one,
    asked.six ? ip6Frame(ends6(one, two), number, bytes) : ip4Frame(ends4(one, two), number, bytes),
  );
}

/** As the switch says it. */
function told(given: World, { protocol, port, six }: Call): string {
  const rows = rowsOf(given);
  const end = (guest: Guest) => {
    const whole = endOf(guest, rows);
    const interfaces = (whole.interfaces ?? []).map((own) => ({
      ...own,
      addresses: own.addresses.filter(({ address }) => address.includes(":") === six),
    }));
    return { ...whole, interfaces };
  };
  const its = protocol === "icmp" ? null : port;
  const answer = passage({
    from: end(one),
    to: end(two),
    protocol,
    port: its,
    names: nothing,
    operator: false,
  });
  const stopped = answer.steps.find(({ passes }) => passes !== true);
  if (stopped === undefined) return portIdOf(two);
  return stopped.step === "egress" || stopped.step === "ingress" ? `${stopped.step}Rule` : stopped.message;
}

describe(`explaining a passage (SEED=${seed})`, () => {
  it("agrees with the filter of the switch", () => {
    const seen = new Map<string, number>();
    const property = fc.property(world, call, (generated, asked) => {
      const rules = generated.rules.map((given, at) =>
        ruleRow(given.groupId, { ...(given as object), id: `rule-${at}` }),
      );
      const given = { ...generated, rules } as World;
      const expected = sent(given, asked);
      seen.set(expected, (seen.get(expected) ?? 0) + 1);
      expect(told(given, asked)).to.equal(expected);
    });
    fc.assert(property, { seed, numRuns: 1_500 });
    // Else the generator asks nothing.
    for (const outcome of [portIdOf(two), "egressRule", "ingressRule"])
      expect(seen.get(outcome) ?? 0, outcome).to.be.greaterThan(25);
    expect(seen.size).to.equal(3);
  });
});
