/** How frames are read and written, by value, and that no bytes whatever harm the reader. */
import { expect } from "chai";
import fc from "fast-check";
import { readArp, writeArpAnswer } from "../../../nodes/switch/frames/arp.ts";
import { checksum } from "../../../nodes/switch/frames/checksum.ts";
import { type Frame, isGroupMac, readFrame } from "../../../nodes/switch/frames/ethernet.ts";
import { flowKey, readFlow, reversed } from "../../../nodes/switch/frames/flow.ts";
import { type IpPacket, readIp } from "../../../nodes/switch/frames/ip.ts";
import { linkLocalOf, readQuestion, writeNeighbour } from "../../../nodes/switch/frames/neighbour.ts";
import { FrameReader, frameBytesMax } from "../../../nodes/switch/frames/stream.ts";
import { writeDatagram } from "../../../nodes/switch/frames/udp.ts";
import {
  arpFrame,
  discovery,
  ethernet,
  flags,
  icmp,
  icmpError,
  ip4Frame,
  ip6,
  ip6Frame,
  tcp,
  udp,
} from "../../support/frames.ts";
import { ends4, ends6, ip4Of, macOf } from "../../support/switch-world.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const [one, two] = [
  { network: 1, number: 1 },
  { network: 1, number: 2 },
];
const [there, there6] = [ends4(one, two), ends6(one, two)];
const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");

function frameOf(given: Buffer): Frame {
  const frame = readFrame(given);
  if (frame === undefined) throw new Error("It is no frame.");
  return frame;
}

function packetOf(given: Buffer): IpPacket {
  const packet = readIp(frameOf(given));
  if (packet === undefined) throw new Error("It is no packet.");
  return packet;
}

const flowOf = (given: Buffer) => readFlow(given, packetOf(given));
const textsOf = (given: Buffer) => {
  const { source, destination, protocol, fragment } = packetOf(given);
  return { source, destination, protocol, fragment };
};

describe(`frames (SEED=${seed})`, () => {
  it("have addresses as digits", () => {
    const frame = frameOf(ethernet(there, 0x1234, Buffer.from("x")));
    expect(frame).to.deep.include({ source: "525400000101", destination: "525400000102", etherType: 0x1234 });
    expect(["01005e000001", "333300000001", "ffffffffffff", "525400000101"].map(isGroupMac)).to.deep.equal([
      ...[true, true, true, false],
    ]);
    expect(readFrame(Buffer.alloc(13))).to.equal(undefined);
  });

  it("of IPv4 are read behind their options, and as fragments", () => {
    const [source, destination, protocol] = ["0a000101", "0a000102", 17];
    const options = bytes("94040000");
    expect(textsOf(ip4Frame(there, 17, udp(1, 2), { options }))).to.deep.equal({
      ...{ source, destination, protocol, fragment: null },
    });
    expect(flowOf(ip4Frame(there, 17, udp(1, 2), { options }))?.flow).to.include({
      sourcePort: 1,
      destinationPort: 2,
    });
    const middle = ip4Frame(there, 17, Buffer.alloc(16), { id: 0xabcd, offset: 1_480, more: true });
    expect(textsOf(middle).fragment).to.deep.equal({ id: "abcd", offsetBytes: 1_480, more: true });
  });

  it("of IPv6 are read behind their extensions, of which routing is none that passes", () => {
    const options = (next: number) => Buffer.concat([Buffer.from([next, 0]), bytes("010400000000")]);
    const carried = (next: number, ...headers: readonly Buffer[]) =>
      ip6Frame(there6, next, Buffer.concat([...headers, udp(1, 2)]));
    expect(flowOf(carried(0, options(60), options(17)))?.flow).to.include({
      protocol: 17,
      destinationPort: 2,
    });
    expect(readIp(frameOf(carried(43, options(17))))).to.equal(undefined);
    expect(readIp(frameOf(carried(60, ...Array.from({ length: 9 }, () => options(60)))))).to.equal(undefined);
    const fragment = (field: string) => bytes(`1100${field}deadbeef`);
    expect(textsOf(carried(44, fragment("0000"))).fragment, "of one fragment").to.equal(null);
    expect(textsOf(carried(44, fragment("0009")))).to.deep.include({
      ...{ protocol: 17, fragment: { id: "deadbeef", offsetBytes: 8, more: true } },
    });
    const twice = carried(44, bytes("2c00000000000000"), fragment("0009"));
    expect(readIp(frameOf(twice)), "fragments of fragments").to.equal(undefined);
  });

  it("with lengths that do not fit are none", () => {
    const whole = ip4Frame(there, 17, udp(1, 2));
    const changed = (at: number, value: number) => {
      const copy = Buffer.from(whole);
      copy[at] = value;
      return readIp(frameOf(copy));
    };
    expect(changed(14, 0x45)).to.not.equal(undefined);
    const faults = [
      changed(14, 0x44),
      changed(14, 0x65),
      changed(14, 0x4f),
      changed(17, 255),
      changed(17, 19),
    ];
    expect(faults).to.deep.equal([undefined, undefined, undefined, undefined, undefined]);
    expect(readIp(frameOf(ip4Frame(there, 17, Buffer.alloc(64), { offset: 65_528 })))).to.equal(undefined);
    const passes = (hex: string) => readIp(frameOf(ip4Frame(there, 17, udp(1, 2), { options: bytes(hex) })));
    const options = [
      "01010101",
      "94040000",
      "00000000",
      "83030400",
      "89030400",
      "94ff0000",
      "01010194",
      "94010000",
    ];
    expect(
      options.map((hex) => passes(hex) !== undefined),
      "source routes, and what has no end",
    ).to.deep.equal([...[true, true, true, false, false, false, false, false]]);
  });

  it("of TCP, UDP and ICMP have a flow, whose reverse is that of the answer", () => {
    const back = ends4(two, one);
    const pairs: readonly (readonly [Buffer, Buffer])[] = [
      [ip4Frame(there, 6, tcp(40_000, 22, flags.syn)), ip4Frame(back, 6, tcp(22, 40_000, 18))],
      [ip4Frame(there, 17, udp(5, 53)), ip4Frame(back, 17, udp(53, 5))],
      [ip4Frame(there, 1, icmp(8, 0)), ip4Frame(back, 1, icmp(0, 0))],
      [ip6Frame(there6, 58, icmp(128, 0)), ip6Frame(ends6(two, one), 58, icmp(129, 0))],
      [ip4Frame(there, 47, Buffer.from("gre")), ip4Frame(back, 47, Buffer.from("gre"))],
    ];
    for (const [question, answer] of pairs) {
      const [one, other] = [flowOf(question)?.flow, flowOf(answer)?.flow];
      if (one === undefined || other === undefined) throw new Error("There is no flow.");
      expect(reversed(one)).to.deep.equal(other);
      expect(reversed(other)).to.deep.equal(one);
      expect(flowKey(one)).to.not.equal(flowKey(other));
    }
    expect(flowOf(ip4Frame(there, 6, tcp(1, 2, 18)))?.tcpFlags).to.equal(18);
  });

  it("of errors quote the flow that they are about", () => {
    const sent = ip4Frame(there, 17, udp(5, 53));
    const error = flowOf(ip4Frame(ends4(two, one), 1, icmpError(3, 3, sent)));
    expect(error?.icmp).to.deep.equal({ type: 3, code: 3, about: flowOf(sent)?.flow });
    expect(flowOf(ip4Frame(there, 1, icmpError(3, 3, Buffer.alloc(60))))?.icmp?.about).to.equal(null);
  });

  it("without the whole header of what they carry have no flow", () => {
    const cut: readonly Buffer[] = [
      ...[ip4Frame(there, 6, tcp(1, 2, 2).subarray(0, 19)), ip4Frame(there, 17, udp(1, 2).subarray(0, 7))],
      ...[ip4Frame(there, 1, icmp(8, 0).subarray(0, 7)), ip4Frame(there, 132, Buffer.alloc(11))],
      ...[ip4Frame(there, 58, icmp(128, 0)), ip6Frame(there6, 1, icmp(8, 0))],
    ];
    for (const frame of cut) expect(flowOf(frame)).to.equal(undefined);
  });

  it("of ARP and neighbour discovery are read, and answered to the asker", () => {
    const [senderMac, sender, target] = [macOf(one), ip4Of(one), ip4Of(two)];
    const asked = readArp(frameOf(arpFrame({ operation: 1, senderMac, sender, target })));
    if (asked === undefined) throw new Error("It is no question.");
    const answer = writeArpAnswer(asked, "525400000102");
    expect(readArp(frameOf(answer))).to.deep.equal({
      ...{ request: false, senderMac: "525400000102", senderAddress: "0a000102", targetAddress: "0a000101" },
    });
    expect(frameOf(answer).destination).to.equal("525400000101");

    const question = ip6Frame(
      { ...there6, destinationMac: "33:33:ff:00:00:02" },
      58,
      discovery(135, there6.destination),
      255,
    );
    const found = readQuestion(question, packetOf(question));
    if (found === undefined) throw new Error("It is no question.");
    const told = writeNeighbour(found, { mac: "525400000102", isRouter: false }, frameOf(question));
    const { source, destination, protocol } = packetOf(told);
    const [asker, owner] = [ip6(there6.source).toString("hex"), ip6(there6.destination).toString("hex")];
    expect([source, destination, protocol]).to.deep.equal([owner, asker, 58]);
    expect(told.subarray(54).toString("hex")).to.match(
      new RegExp(`^8800....60000000${owner}0201525400000102$`),
    );
    const ends = told.subarray(22, 54);
    expect(checksum(ends, bytes("000000200000003a"), told.subarray(54)), "its sum is right").to.equal(0);
    const far = ip6Frame(there6, 58, discovery(135, there6.destination), 64);
    expect(readQuestion(far, packetOf(far)), "from another link").to.equal(undefined);
    expect(linkLocalOf("525400000102")).to.equal("fe80000000000000505400fffe000102");
  });

  it("of the switch's own UDP have sums that are right", () => {
    const ends = { destinationMac: "525400000101", sourceMac: "02a9fea9fe00", source: "a9fea9fe" };
    const ports = { sourcePort: 67, destinationPort: 68, payload: Buffer.from("odd") };
    const frame = writeDatagram({ ...ends, destination: "0a000101", ...ports });
    expect(flowOf(frame)?.flow).to.include({ sourcePort: 67, destinationPort: 68 });
    expect(checksum(frame.subarray(14, 34)), "of IP").to.equal(0);
    expect(checksum(frame.subarray(26, 34), bytes("0011000b"), frame.subarray(34)), "of UDP").to.equal(0);
    // The example of RFC 1071, 3.
    expect(checksum(bytes("0001f203f4f5f6f7"))).to.equal(~0xddf2 & 0xffff);
  });

  it("harm nobody, whatever is in them", () => {
    const samples = [
      ...[
        ip4Frame(there, 6, tcp(1, 2, 2)),
        ip4Frame(there, 1, icmpError(3, 3, ip4Frame(there, 17, udp(1, 2)))),
      ],
      ...[ip6Frame(there6, 0, Buffer.alloc(40)), ip6Frame(there6, 44, Buffer.alloc(40))],
      ip6Frame(there6, 58, discovery(135, there6.destination), 255),
    ];
    const changes = fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 8 });
    const property = fc.property(
      fc.constantFrom(...samples),
      changes,
      fc.nat(120),
      (sample, some, length) => {
        const copy = Buffer.from(sample.subarray(0, Math.max(14, length)));
        for (const [at, value] of some) if (at < copy.length) copy[at] = value;
        const frame = frameOf(copy);
        readArp(frame);
        const packet = readIp(frame);
        if (packet === undefined) return;
        expect(packet.at <= packet.end && packet.end <= copy.length).to.equal(true);
        readFlow(copy, packet);
        readQuestion(copy, packet);
      },
    );
    fc.assert(property, { seed, numRuns: 5_000 });
  });
});

describe(`the stream of frames (SEED=${seed})`, () => {
  const framed = (frames: readonly Uint8Array[]): Buffer =>
    Buffer.concat(
      frames.flatMap((frame) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(frame.length);
        return [length, frame];
      }),
    );

  it("is the same frames in whatever parts it comes, and whenever the reader is stopped", () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 12 });
    const cuts = fc.array(fc.nat(700), { maxLength: 12 });
    const property = fc.property(frames, cuts, fc.integer({ min: 1, max: 5 }), (sent, at, turn) => {
      const [all, reader, got] = [framed(sent), new FrameReader(), [] as Buffer[]];
      const ends = [...at.filter((one) => one < all.length).sort((a, b) => a - b), all.length];
      let begin = 0;
      for (const end of ends) {
        const part = Buffer.from(all.subarray(begin, end));
        expect(reader.read(part, (frame) => got.push(Buffer.from(frame)) % turn !== 0)).to.equal(true);
        // The reader's own buffer is overwritten by the next read.
        part.fill(0xee);
        begin = end;
      }
      for (let round = 0; round < 20; round += 1)
        reader.read(Buffer.alloc(0), (frame) => got.push(Buffer.from(frame)) % turn !== 0);
      expect(got.map((frame) => frame.toString("hex"))).to.deep.equal(
        sent.map((frame) => Buffer.from(frame).toString("hex")),
      );
      expect(reader.keptBytes).to.equal(0);
    });
    fc.assert(property, { seed, numRuns: 1_000 });
  });

  it("ends with a length that QEMU never sends, and keeps one frame at most", () => {
    const read = (hex: string) => new FrameReader().read(bytes(hex), () => true);
    expect(read((frameBytesMax + 1).toString(16).padStart(8, "0"))).to.equal(false);
    expect(read(frameBytesMax.toString(16).padStart(8, "0"))).to.equal(true);
    const reader = new FrameReader();
    let kept = 0;
    const random = fc.tuple(fc.nat(frameBytesMax), fc.uint8Array({ maxLength: 1_000 }));
    const property = fc.property(random, ([length, rest]) => {
      const head = bytes(length.toString(16).padStart(8, "0"));
      if (reader.read(Buffer.concat([head, rest]), () => true)) kept = Math.max(kept, reader.keptBytes);
    });
    fc.assert(property, { seed, numRuns: 300 });
    expect(kept).to.be.within(1, frameBytesMax + 4);
  });
});
