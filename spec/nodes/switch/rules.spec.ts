/** Rules of groups and sets of addresses, by value. */
import { expect } from "chai";
import fc from "fast-check";
import { AddressSet, addressDigits, addressOfNumber } from "../../../nodes/switch/filter/address-set.ts";
import { allows, RuleBook } from "../../../nodes/switch/filter/rules.ts";
import { readFrame } from "../../../nodes/switch/frames/ethernet.ts";
import { readFlow } from "../../../nodes/switch/frames/flow.ts";
import { readIp } from "../../../nodes/switch/frames/ip.ts";
import { addressOf, cidrOf, contains } from "../../../protocol/address.ts";
import { flags, icmp, ip4Frame, ip6Frame, tcp, udp } from "../../support/frames.ts";
import { defaultGroup, ends4, ends6, type RulePicture, rule } from "../../support/switch-world.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const [one, two] = [
  { network: 1, number: 1 },
  { network: 1, number: 2 },
];
const [there, there6] = [ends4(one, two), ends6(one, two)];
const remote = "0a000101";

function carriedOf(bytes: Buffer) {
  const frame = readFrame(bytes);
  const packet = frame && readIp(frame);
  const carried = packet && readFlow(bytes, packet);
  if (carried === undefined) throw new Error("It carries nothing.");
  return carried;
}

/** Whether a rule, as the only one, lets the frame in from 10.0.1.1. */
function lets(given: Partial<RulePicture>, bytes: Buffer, from = remote): boolean {
  const group = { id: "own", rules: [rule(given)], members: [] };
  const others = { id: "others", rules: [], members: ["10.0.1.1/32", "10.0.9.0/24"] };
  return allows(new RuleBook([group, others]).of(["own"]).ingress, carriedOf(bytes), from);
}

describe(`rules of groups (SEED=${seed})`, () => {
  const [ssh, dns] = [ip4Frame(there, 6, tcp(40_000, 22, flags.syn)), ip4Frame(there, 17, udp(40_000, 53))];
  const [ping, sctp] = [
    ip4Frame(there, 1, icmp(8, 0)),
    ip4Frame(there, 132, udp(40_000, 53, Buffer.alloc(8))),
  ];
  const ssh6 = ip6Frame(there6, 6, tcp(40_000, 22, flags.syn));
  const cases: readonly (readonly [string, Partial<RulePicture>, readonly Buffer[], readonly Buffer[]])[] = [
    ["of a version", {}, [ssh, dns, ping, sctp], [ssh6]],
    ["of the other version", { ipVersion: 6 }, [ssh6], [ssh, dns, ping]],
    ["of a protocol", { protocol: 17 }, [dns], [ssh, ping, sctp, ssh6]],
    ["of ports", { protocol: 6, portMin: 20, portMax: 22 }, [ssh], [dns, ping, ssh6]],
    ["of other ports", { protocol: 6, portMin: 23, portMax: 65_535 }, [], [ssh]],
    ["of one port", { protocol: 17, portMin: 53, portMax: null }, [dns], [ssh]],
    ["of SCTP's ports", { protocol: 132, portMin: 53, portMax: 53 }, [sctp], [dns]],
    ["of ICMP's type", { protocol: 1, portMin: 8 }, [ping], [ip4Frame(there, 1, icmp(13, 0)), dns]],
    [
      "of ICMP's type and code",
      { protocol: 1, portMin: 3, portMax: 4 },
      [ip4Frame(there, 1, icmp(3, 4))],
      [ping],
    ],
    ["of a range", { remoteCidr: "10.0.1.0/30" }, [ssh], []],
    ["of another range", { remoteCidr: "10.0.1.4/30" }, [], [ssh]],
    ["of a group's members", { remoteGroupId: "others" }, [ssh, ping], []],
    ["of a group that is not there", { remoteGroupId: "gone" }, [], [ssh]],
    ["of the other direction", { direction: "egress" }, [], [ssh, dns, ping]],
  ];
  for (const [what, given, inside, outside] of cases)
    it(`${what} allow what they say, and nothing else`, () => {
      expect(inside.filter((bytes) => !lets(given, bytes))).to.deep.equal([]);
      expect(outside.filter((bytes) => lets(given, bytes))).to.deep.equal([]);
    });

  it("of members know ranges of address pairs as well", () => {
    expect(lets({ remoteGroupId: "others" }, ssh, "0a000963")).to.equal(true);
    expect(lets({ remoteGroupId: "others" }, ssh, "0a000a63")).to.equal(false);
  });

  it("of a port are those of all its groups, and none without a group", () => {
    const book = new RuleBook([
      defaultGroup([one]),
      { id: "web", rules: [rule({ protocol: 6 })], members: [] },
    ]);
    expect(book.of([])).to.deep.equal({ egress: [], ingress: [] });
    expect(book.of(["web", "default", "gone"]).ingress).to.have.length(3);
    expect(book.of(["default", "web"])).to.equal(book.of(["web", "default"]));
  });

  it("are the same object as before as long as neither they nor the members that they name change", () => {
    const named = { id: "named", rules: [], members: ["10.0.1.1/32", "10.0.1.2/32"] };
    const own = { id: "own", rules: [rule({ remoteGroupId: "named" })], members: ["10.0.9.9/32"] };
    const other = { id: "other", rules: [rule({})], members: [] };
    const book = new RuleBook([named, own, other]);
    const given = () => [book.of(["own"]), book.of(["other"])];
    const before = given();
    const next = (...groups: ConstructorParameters<typeof RuleBook>[0] & object) => {
      book.take(structuredClone(groups));
      return given().map((rules, at) => rules === before[at]);
    };
    expect(next(other, own, named)).to.deep.equal([true, true]);
    expect(next(named, { ...own, members: [] }, other), "its own members").to.deep.equal([true, true]);
    expect(next(named, own, { ...other, rules: [] })).to.deep.equal([true, false]);
    expect(next({ ...named, members: ["10.0.1.1/32"] }, own, other)).to.deep.equal([false, false]);
    expect(allows(book.of(["own"]).ingress, carriedOf(ssh), "0a000102")).to.equal(false);
    expect(next(own, other), "without the group").to.deep.equal([false, false]);
    expect(allows(book.of(["own"]).ingress, carriedOf(ssh), remote)).to.equal(false);
  });
});

describe(`a set of addresses (SEED=${seed})`, () => {
  const number = fc.nat({ max: 0xffff_ffff });
  const text4 = number.map((value) => [24, 16, 8, 0].map((bits) => (value >>> bits) & 255).join("."));
  const cidrs = fc.array(fc.tuple(number, fc.integer({ min: 0, max: 32 })), { maxLength: 20 }).map((some) =>
    some.map(([value, prefix]) => {
      const first = prefix === 0 ? 0 : (value & (0xffff_ffff << (32 - prefix))) >>> 0;
      return `${[24, 16, 8, 0].map((bits) => (first >>> bits) & 255).join(".")}/${prefix}`;
    }),
  );

  it("has what its ranges have, and nothing else", () => {
    const property = fc.property(cidrs, text4, (ranges, text) => {
      const address = addressOf(text);
      if (address === undefined) throw new Error(`${text} is no address.`);
      const set = new AddressSet(ranges);
      const edges = ranges.flatMap((one) => {
        const range = cidrOf(one);
        return range === undefined ? [] : [range.first, range.last, range.last + 1n, range.first - 1n];
      });
      const values = edges.filter((value) => value >= 0n && value <= 0xffff_ffffn);
      for (const value of [address.value, ...values]) {
        const expected = ranges.some((one) => {
          const range = cidrOf(one);
          return range !== undefined && contains(range, { version: 4, value });
        });
        expect(set.has(addressOfNumber(Number(value))), `${value} of ${ranges}`).to.equal(expected);
      }
    });
    fc.assert(property, { seed, numRuns: 500 });
  });

  it("reads addresses as everybody does, however they are written", () => {
    const group = fc.constantFrom("0", "1", "00ab", "ffff", "FF", "12345", "", "g", "1.2.3.4");
    const six = fc.array(group, { maxLength: 10 }).map((groups) => groups.join(":"));
    const four = fc.array(fc.constantFrom("0", "7", "255", "256", "01", "", "1e1", " 1"), { maxLength: 5 });
    const text = fc.oneof(
      six,
      fc.ipV6(),
      text4,
      fc.ipV4(),
      four.map((parts) => parts.join(".")),
    );
    const property = fc.property(text, (written) => {
      const address = addressOf(written);
      const digits = address?.value.toString(16).padStart(address.version === 4 ? 8 : 32, "0");
      expect(addressDigits(written), written).to.equal(digits);
    });
    fc.assert(property, { seed, numRuns: 3_000 });
    for (const written of [
      "::",
      "::1",
      "1::",
      "1:2:3:4:5:6:7::",
      "1::2:3:4:5:6:7:8",
      ":1",
      ":::",
      "::ffff:1.2.3.4",
    ])
      expect(addressDigits(written) === undefined, written).to.equal(addressOf(written) === undefined);
  });

  it("takes addresses of both versions, and leaves out what is none", () => {
    const set = new AddressSet(["10.0.1.7", "fd00::/8", "fe80::1/64", "nonsense", ""]);
    const has = (text: string) => set.has(addressDigits(text) ?? "");
    expect(["10.0.1.7", "fd12::9", "10.0.1.8", "fe80::1", "::"].map(has)).to.deep.equal([
      ...[true, true, false, false, false],
    ]);
  });
});
