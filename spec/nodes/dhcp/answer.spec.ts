/** What DHCP answers, by value: as RFC 2131, 4.3 has it, from the picture alone. */
import { expect } from "chai";
import fc from "fast-check";
import { answerBytesMax, answerTo, leaseSeconds, maskOf } from "../../../nodes/dhcp/answer.ts";
import { type Lease, leaseOf } from "../../../nodes/dhcp/lease.ts";
import { type DhcpMessage, messageTypes, readMessage } from "../../../nodes/dhcp/message.ts";
import type { SubnetPicture } from "../../../protocol/networking.ts";
import { type DhcpGiven, dhcp } from "../../support/frames.ts";
import { macOf, networkOf, portOf } from "../../support/switch-world.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const guest = { network: 1, number: 7 };
const mac = macOf(guest);
const own = "10.0.1.7";

function leaseWith(given: Partial<SubnetPicture> = {}, hostName = "web"): Lease | undefined {
  const network = networkOf(1, []);
  const [first, ...rest] = network.subnets;
  if (first === undefined) throw new Error("The network has no subnet.");
  return leaseOf({ ...network, subnets: [{ ...first, ...given }, ...rest] }, portOf(guest), hostName);
}

function ask(given: Partial<DhcpGiven>, lease = leaseWith()): DhcpMessage | undefined {
  const message = readMessage(dhcp({ type: 1, mac, ...given }));
  if (message === undefined || lease === undefined) throw new Error("There is nothing to ask.");
  return answerTo(message, lease);
}

const typeOf = (answer: DhcpMessage | undefined) => answer?.options.get(53)?.[0];
const text = (answer: DhcpMessage | undefined, code: number) => answer?.options.get(code)?.toString("hex");
const { discover, offer, request, decline, acknowledge, refuse, release, inform } = messageTypes;

describe(`DHCP's answer (SEED=${seed})`, () => {
  it("offers the port's address, with all that a guest needs", () => {
    const answer = ask({ type: discover });
    expect(answer).to.deep.include({ request: false, transaction: 0x12345678, yourAddress: 0x0a000107 });
    expect(typeOf(answer)).to.equal(offer);
    const lease = leaseSeconds.toString(16).padStart(8, "0");
    const told = [54, 51, 1, 3, 6, 26].map((code) => text(answer, code));
    expect(told).to.deep.equal(["a9fea9fe", lease, "ffffff00", "0a000101", "09090909", "0578"]);
    expect(answer?.options.get(12)?.toString()).to.equal("web");
    // The service without a router, then everything else by the gateway.
    expect(text(answer, 121)).to.equal("20a9fea9fe00000000000a000101");
  });

  it("tells of no router where there is none, and of the routes of the subnet", () => {
    const hostRoutes = [
      { destination: "192.168.0.0/17", nextHop: "10.0.1.9" },
      { destination: "fd00::/8", nextHop: "fd00:1::1" },
    ];
    const answer = ask({}, leaseWith({ gateway: null, hostRoutes }));
    expect(text(answer, 3)).to.equal(undefined);
    expect(text(answer, 121)).to.equal("20a9fea9fe0000000011c0a8000a000109");
    const given = leaseWith({ hostRoutes: [{ destination: "0.0.0.0/0", nextHop: "10.0.1.9" }] });
    expect(text(ask({}, given), 121)).to.equal("20a9fea9fe00000000000a000109");
  });

  const requests: readonly (readonly [string, Partial<DhcpGiven>, number | undefined])[] = [
    ["that takes our offer", { requested: own, server: "169.254.169.254" }, acknowledge],
    ["that takes another server's offer", { requested: own, server: "10.0.1.2" }, undefined],
    ["of a guest that starts again", { requested: own }, acknowledge],
    ["of a guest that was elsewhere", { requested: "192.168.1.5" }, refuse],
    ["that renews", { client: own }, acknowledge],
    ["that renews what is another's", { client: "10.0.1.8" }, refuse],
    ["for nothing", {}, undefined],
  ];
  for (const [what, given, type] of requests)
    it(`to a request ${what} is ${type === undefined ? "none" : type === refuse ? "no" : "yes"}`, () => {
      const answer = ask({ type: request, ...given });
      expect(typeOf(answer)).to.equal(type);
      if (type === refuse) expect([answer?.yourAddress, answer?.broadcast]).to.deep.equal([0, true]);
    });

  it("to who has an address already has no address in it", () => {
    const answer = ask({ type: inform, client: own });
    expect([typeOf(answer), answer?.yourAddress, text(answer, 51)]).to.deep.equal([
      acknowledge,
      0,
      undefined,
    ]);
    expect([answer?.clientAddress, text(answer, 1)]).to.deep.equal([0x0a000107, "ffffff00"]);
  });

  it("is none to what needs none, to answers, to relays, and to who is another", () => {
    const silent: readonly Partial<DhcpGiven>[] = [
      ...[decline, release, offer, acknowledge, 0, 99].map((type) => ({ type })),
      ...[{ operation: 2 }, { relay: "10.0.1.1" }, { mac: "52:54:00:00:01:08" }],
    ];
    for (const given of silent) expect(ask(given), JSON.stringify(given)).to.equal(undefined);
  });

  it("depends on nothing but the question: asked again it is the same", () => {
    expect(ask({ type: discover })).to.deep.equal(ask({ type: discover }));
  });

  it("never tells of another address, whatever is asked", () => {
    const lease = leaseWith();
    if (lease === undefined) throw new Error("There is no lease.");
    const property = fc.property(fc.uint8Array({ maxLength: 100 }), (random) => {
      const bytes = Buffer.concat([dhcp({ type: 1, mac }).subarray(0, 240), Buffer.from(random)]);
      const message = readMessage(bytes);
      const answer = message && answerTo(message, lease);
      expect([undefined, 0, lease.address]).to.include(answer?.yourAddress);
      if (message !== undefined) expect(answerBytesMax(message, 1_400)).to.be.within(548, 1_372);
    });
    fc.assert(property, { seed, numRuns: 1_000 });
  });
});

describe("what DHCP tells a port", () => {
  it("is nothing without an address of IPv4 in a subnet with DHCP", () => {
    expect(leaseWith({ dhcp: false })).to.equal(undefined);
    expect(leaseOf(networkOf(1, []), portOf(guest, { addresses: [] }), "web")).to.equal(undefined);
    const stray = [{ subnetId: "subnet-1", address: "10.9.9.9" }];
    expect(leaseOf(networkOf(1, []), portOf(guest, { addresses: stray }), "web")).to.equal(undefined);
  });

  it("is the first of several addresses", () => {
    const addresses = ["10.0.1.9", own].map((address) => ({ subnetId: "subnet-1", address }));
    expect(leaseOf(networkOf(1, []), portOf(guest, { addresses }), "web")?.address).to.equal(0x0a000109);
  });

  it("has no name that is none of a host", () => {
    for (const name of ["a b", "$(reboot)", "-x", "ü", "a".repeat(254)])
      expect(leaseWith({}, name)?.hostName, name).to.equal(null);
  });

  it("has the mask of each prefix", () => {
    expect([0, 1, 24, 31, 32].map((prefix) => maskOf(prefix).toString(16))).to.deep.equal([
      ...["0", "80000000", "ffffff00", "fffffffe", "ffffffff"],
    ]);
  });
});
