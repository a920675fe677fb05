/** What the responder answers guests' frames of IPv6, by value. Questions are written byte by byte. */
import { expect } from "chai";
import fc from "fast-check";
import { answerToFrame, told } from "../../../nodes/responder/frames.ts";
import type { AnsweredGuest6 } from "../../../nodes/responder/state.ts";
import { checksum6 } from "../../../nodes/switch/frames/packet6.ts";
import { type Ends, icmp, ip6Frame, udp } from "../../support/frames.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const guest: AnsweredGuest6 = {
  ...{ asker: "0a6e00000007", hatch: 2, mac: "525400000107", isRouted: true },
  lease: {
    ...{ address: `fd000001${"0".repeat(22)}07`, range: `fd000001${"0".repeat(24)}`, prefix: 64 },
    ...{ gateway: `fd000001${"0".repeat(23)}1`, dnsServers: [], mtuBytes: 1_400 },
  },
  sender: { mac: "525400000201", address: "fe80000000000000a9fe000000000001" },
};
const ends: Ends = {
  ...{ sourceMac: "0a:6e:00:00:00:07", destinationMac: "0a:6e:ff:ff:ff:ff" },
  ...{ source: "fe80::1234", destination: "ff02::1:2" },
};
const solicit = Buffer.from("01abcdef0001000a000300015254000001070003000c000000070000000000000000", "hex");
const asked = (given: Partial<Ends> = {}, ports = [546, 547]) =>
  ip6Frame({ ...ends, ...given }, 17, udp(ports[0] ?? 0, ports[1] ?? 0, solicit));
const forRouters = (given: Partial<Ends> = {}, hops = 255) =>
  ip6Frame({ ...ends, destination: "ff02::2", ...given }, 58, icmp(133, 0, Buffer.alloc(4)), hops);
const answer = (frame: Buffer) => answerToFrame(guest, frame) ?? expect.fail("There is no answer.");

/** As the guest's kernel looks at them. */
const read = (frame: Buffer) => {
  const [source, destination] = [frame.toString("hex", 22, 38), frame.toString("hex", 38, 54)];
  const protocol = frame[20] ?? 0;
  return {
    ...{ to: frame.toString("hex", 0, 6), from: frame.toString("hex", 6, 12), source, destination },
    ...{ protocol, hops: frame[21], payload: frame.subarray(54) },
    sum: checksum6({ source, destination }, frame.subarray(54), protocol),
  };
};

describe(`the responder's frames (SEED=${seed})`, () => {
  it("tell who asks for routers its network, as the router, and nobody else", () => {
    for (const source of ["fe80::1234", "::", "fd00:1::7"]) {
      const said = read(answer(forRouters({ source })));
      expect(said).to.include({ to: guest.mac, from: guest.sender.mac, source: guest.sender.address });
      expect(said).to.include({ destination: `ff02${"0".repeat(27)}1`, protocol: 58, hops: 255, sum: 0 });
      expect(said.payload[0]).to.equal(134);
    }
    expect(answer(forRouters())).to.deep.equal(told(guest));
  });

  it("say in the same words that the router leads on no more", () => {
    const [before, after] = [told(guest), told({ ...guest, isRouted: false })].map(read);
    expect(after?.source).to.equal(before?.source);
    expect([before?.payload.readUInt16BE(6), after?.payload.readUInt16BE(6)]).to.deep.equal([9_000, 0]);
  });

  it("offer by DHCPv6 the port's address, to whichever address of the link it asks from", () => {
    const said = read(answer(asked()));
    expect(said).to.include({ to: guest.mac, from: guest.sender.mac, source: guest.sender.address });
    expect(said).to.include({ destination: `fe80${"0".repeat(24)}1234`, protocol: 17, sum: 0 });
    expect([said.payload.readUInt16BE(0), said.payload.readUInt16BE(2)]).to.deep.equal([547, 546]);
    expect(said.payload.toString("hex")).to.include(guest.lease.address);
    expect(answerToFrame(guest, asked({}, [1_024, 547]))).to.not.equal(undefined);
  });

  it("are none for other servers, other ports, and questions from elsewhere", () => {
    for (const frame of [
      asked({ destination: "ff05::1:3" }),
      asked({ destination: "fe80::1" }),
      asked({ source: "fd00:1::7" }),
      asked({ source: "::" }),
      asked({}, [546, 546]),
      forRouters({}, 254),
      ip6Frame(ends, 58, icmp(134, 0, Buffer.alloc(4)), 255),
      ip6Frame(ends, 58, icmp(135, 0, Buffer.alloc(20)), 255),
      ip6Frame(ends, 44, Buffer.concat([Buffer.from([17, 0, 0, 1, 0, 0, 0, 1]), udp(546, 547, solicit)])),
      Buffer.alloc(0),
      Buffer.alloc(60),
    ])
      expect(answerToFrame(guest, frame)).to.equal(undefined);
  });

  it("are for the port alone, whatever a guest sends, and nothing makes a fault", () => {
    const bytes = fc.uint8Array({ maxLength: 120 }).map((some) => Buffer.from(some));
    const place = fc.record({ at: fc.nat(200), value: fc.nat(255) });
    const frame = fc.oneof(
      bytes,
      bytes.map((some) => ip6Frame(ends, 17, udp(546, 547, some))),
      fc.array(place, { maxLength: 6 }).map((places) => {
        const changed = asked();
        for (const { at, value } of places) if (at < changed.length) changed[at] = value;
        return changed;
      }),
      fc.array(place, { maxLength: 3 }).map((places) => {
        const changed = forRouters();
        for (const { at, value } of places) if (at < changed.length) changed[at] = value;
        return changed;
      }),
    );
    fc.assert(
      fc.property(frame, (one) => {
        const said = answerToFrame(guest, one);
        if (said === undefined) return;
        expect(read(said)).to.include({ to: guest.mac, source: guest.sender.address, sum: 0 });
        expect(said.length).to.be.at.most(14 + guest.lease.mtuBytes);
      }),
      { seed, numRuns: 500 },
    );
  });
});
