/** What DHCPv6 answers, by value: as RFC 8415, 18.3 has it, from the picture alone. */
import { expect } from "chai";
import fc from "fast-check";
import { answerBytes6, answerTo6, lease6Seconds, serverDuid } from "../../../nodes/dhcp6/answer.ts";
import { type Lease6, leaseOf6 } from "../../../nodes/dhcp6/lease.ts";
import {
  type Dhcp6Message,
  messageTypes6,
  type Option6,
  optionCodes6,
  readMessage6,
  writeMessage6,
} from "../../../nodes/dhcp6/message.ts";
import type { SubnetPicture } from "../../../protocol/networking.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const hex = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");
const own = "fd000001000000000000000000000007";
const foreign = "fd000001000000000000000000000008";
const server = serverDuid("02a9fea9fe00");
const clientId = { code: optionCodes6.client, data: serverDuid("525400000107") };
const serverId = { code: optionCodes6.server, data: server };
const seconds = lease6Seconds.toString(16).padStart(8, "0");
const times = `${(lease6Seconds * 0.5).toString(16).padStart(8, "0")}${(lease6Seconds * 0.8).toString(16).padStart(8, "0")}`;

const subnet: SubnetPicture = {
  ...{ id: "subnet-1", cidr: "fd00:1::/64", gateway: "fd00:1::1", hostRoutes: [], dhcp: true },
  dnsServers: ["9.9.9.9", "2620:fe::fe"],
};
const lease: Lease6 = {
  ...{ address: own, range: "fd000001000000000000000000000000", prefix: 64, mtuBytes: 1_400 },
  ...{ gateway: "fd000001000000000000000000000001", dnsServers: ["262000fe0000000000000000000000fe"] },
};

/** An identity with these addresses. */
const identity = (
  addresses: readonly string[] = [],
  code: number = optionCodes6.addresses,
  id = 9,
): Option6 => ({
  code,
  data: hex(
    `${id.toString(16).padStart(8, "0")}${code === optionCodes6.temporary ? "" : "0".repeat(16)}${addresses
      .map((address) => `00050018${address}${"0".repeat(16)}`)
      .join("")}`,
  ),
});
const ask = (type: number, ...options: readonly Option6[]): Dhcp6Message | undefined =>
  answerTo6({ type, transaction: 0xabcdef, options }, lease, server);
const text = (answer: Dhcp6Message | undefined, code: number) =>
  answer?.options.find((option) => option.code === code)?.data.toString("hex");
const { solicit, advertise, request, confirm, renew, rebind, reply, release, decline, informationRequest } =
  messageTypes6;

const given = `00000009${times}00050018${own}${seconds}${seconds}`;

describe(`DHCPv6's answer (SEED=${seed})`, () => {
  it("offers the port's address, with servers of names and the greatest preference", () => {
    const answer = ask(solicit, clientId, identity([foreign]));
    expect([answer?.type, answer?.transaction]).to.deep.equal([advertise, 0xabcdef]);
    expect([text(answer, 1), text(answer, 2)]).to.deep.equal([
      clientId.data.toString("hex"),
      server.toString("hex"),
    ]);
    expect([text(answer, 3), text(answer, 23), text(answer, 7)]).to.deep.equal([
      given,
      "262000fe0000000000000000000000fe",
      "ff",
    ]);
  });

  it("gives it at once to who wants that", () => {
    const answer = ask(solicit, clientId, identity(), {
      code: optionCodes6.rapidCommit,
      data: Buffer.alloc(0),
    });
    expect([answer?.type, text(answer, 14), text(answer, 3)]).to.deep.equal([reply, "", given]);
  });

  it("gives it to who asks and to who has it, whoever they asked before", () => {
    for (const answer of [
      ...[request, renew].map((type) => ask(type, clientId, serverId, identity([own]))),
      ...[ask(request, clientId, serverId, identity()), ask(rebind, clientId, identity([own]))],
    ])
      expect([answer?.type, text(answer, 3)]).to.deep.equal([reply, given]);
  });

  it("gives nobody what is another's: who asks for it begins anew, and who has it lets go of it", () => {
    const begun = ask(request, clientId, serverId, identity([own, foreign]));
    expect(text(begun, 3)).to.equal(`00000009${"0".repeat(16)}000d00020004`);
    const gone = ask(renew, clientId, serverId, identity([foreign]));
    expect(text(gone, 3)).to.equal(`${given}00050018${foreign}${"0".repeat(16)}`);
    const many = Array.from({ length: 30 }, () => foreign);
    const most = ask(rebind, clientId, identity(many));
    expect(text(most, 3)).to.have.length(given.length + 4 * 56);
  });

  it("confirms the own address only", () => {
    expect(text(ask(confirm, clientId, identity([own])), 13)).to.equal("0000");
    expect(text(ask(confirm, clientId, identity([own, foreign])), 13)).to.equal("0004");
    expect(ask(confirm, clientId, identity())).to.equal(undefined);
  });

  it("takes nothing back: what is released or declined stays the port's", () => {
    for (const type of [release, decline]) {
      const answer = ask(type, clientId, serverId, identity([own]));
      expect([answer?.type, text(answer, 13), text(answer, 3)]).to.deep.equal([reply, "0000", undefined]);
    }
  });

  it("tells the rest to who has an address from elsewhere, and may be unknown", () => {
    for (const options of [[], [clientId], [serverId]]) {
      const answer = ask(informationRequest, ...options);
      expect([answer?.type, text(answer, 23), text(answer, 3)]).to.deep.equal([
        reply,
        "262000fe0000000000000000000000fe",
        undefined,
      ]);
    }
  });

  it("has one address, whatever else is asked for", () => {
    const answer = ask(
      ...([solicit, clientId, identity(), identity([], 3, 10)] as const),
      ...[identity([], optionCodes6.temporary, 11), identity([], optionCodes6.prefixes, 12)],
    );
    const its = answer?.options.filter(({ code }) => [3, 4, 25].includes(code));
    expect(its?.map(({ code, data }) => [code, data.toString("hex")])).to.deep.equal([
      [3, given],
      [3, `0000000a${"0".repeat(16)}000d00020002`],
      [4, "0000000b000d00020002"],
      [25, `0000000c${"0".repeat(16)}000d00020006`],
    ]);
  });

  const other = { code: optionCodes6.server, data: serverDuid("020000000001") };
  const long = { code: optionCodes6.client, data: Buffer.alloc(131) };
  const silent: readonly (readonly [string, number, readonly Option6[]])[] = [
    ["a solicitation without a client", solicit, [identity()]],
    ["a solicitation of one server", solicit, [clientId, serverId, identity()]],
    ["a solicitation for nothing", solicit, [clientId]],
    ["a client with a long name", solicit, [long, identity()]],
    ["a request to no server", request, [clientId, identity()]],
    ["a request to another server", request, [clientId, other, identity()]],
    ["a renewal by another server", renew, [clientId, other, identity([own])]],
    ["a rebinding of one server", rebind, [clientId, serverId, identity([own])]],
    ["a confirmation of one server", confirm, [clientId, serverId, identity([own])]],
    ["a release to nobody", release, [clientId, identity([own])]],
    ["a question that asks for an address", informationRequest, [clientId, identity()]],
    ["a question to another server", informationRequest, [other]],
    ...[0, advertise, reply, 10, 12, 13, 99].map(
      (type) => [`a message of type ${type}`, type, [clientId, serverId, identity()]] as const,
    ),
  ];
  for (const [what, type, options] of silent)
    it(`to ${what} is none`, () => {
      expect(ask(type, ...options)).to.equal(undefined);
    });

  it("never gives another address, never throws, and is never longer than a packet, whatever is asked", () => {
    const head = fc.constantFrom(solicit, request, confirm, renew, rebind, release, informationRequest);
    const random = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes));
    const some = fc.constantFrom(clientId, serverId, identity(), identity([foreign]), identity([own]));
    const options = fc.array(fc.oneof(some, fc.record({ code: fc.nat({ max: 30 }), data: random })), {
      maxLength: 70,
    });
    const property = fc.property(head, options, random, (type, all, tail) => {
      const message = writeMessage6({ type, transaction: 1, options: all }, 60_000);
      for (const bytes of [message, Buffer.concat([message, tail])]) {
        const answer = answerBytes6(bytes, lease, server);
        if (answer === undefined) continue;
        expect(answer.length).to.be.at.most(1_352);
        expect(answer.toString("hex")).not.to.match(/00050018(?!fd000001000000000000000000000007).{32}0001/);
        expect(readMessage6(answer)).not.to.equal(undefined);
      }
    });
    fc.assert(property, { seed, numRuns: 1_000 });
  });

  it("depends on nothing but the question: asked again it is the same", () => {
    expect(ask(solicit, clientId, identity())).to.deep.equal(ask(solicit, clientId, identity()));
  });
});

describe("what DHCPv6 tells a port", () => {
  const leaseWith = (addresses: readonly string[], changed: Partial<SubnetPicture> = {}) =>
    leaseOf6(
      { mtuBytes: 1_400, subnets: [{ ...subnet, ...changed }] },
      { addresses: addresses.map((address) => ({ subnetId: "subnet-1", address })) },
    );

  it("is the first of its addresses of IPv6, and of the subnet what is of IPv6", () => {
    expect(leaseWith(["10.0.0.1", "fd00:1::7", "fd00:1::8"])).to.deep.equal(lease);
    expect(leaseWith(["fd00:1::7"], { gateway: null, dnsServers: [] })).to.deep.equal({
      ...lease,
      ...{ gateway: null, dnsServers: [] },
    });
  });

  it("is nothing without an address of IPv6 in a subnet with DHCP", () => {
    for (const nothing of [
      leaseWith([]),
      leaseWith(["fd00:1::7"], { dhcp: false }),
      leaseWith(["fd00:2::7"]),
    ])
      expect(nothing).to.equal(undefined);
  });
});
