/** Messages of DHCP as bytes: what is written is read again, and random bytes harm nobody. */
import { expect } from "chai";
import fc from "fast-check";
import { type DhcpMessage, readMessage, writeMessage } from "../../../nodes/dhcp/message.ts";
import { dhcp } from "../../support/frames.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const mac = "52:54:00:00:01:07";
const address = fc.nat({ max: 0xffff_ffff });
const option = fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 300 }));
const messages: fc.Arbitrary<DhcpMessage> = fc.record({
  ...{ request: fc.boolean(), broadcast: fc.boolean(), transaction: address },
  ...{ clientAddress: address, yourAddress: address, serverAddress: address, relayAddress: address },
  mac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  options: fc
    .array(option, { maxLength: 6 })
    .map((options) => new Map(options.map(([code, data]) => [code, Buffer.from(data)]))),
});

describe(`a message of DHCP (SEED=${seed})`, () => {
  it("is read as a client sends it", () => {
    const message = readMessage(dhcp({ type: 3, mac, requested: "10.0.1.7", broadcast: true }));
    expect(message).to.deep.include({ request: true, transaction: 0x12345678, broadcast: true });
    expect([message?.mac, message?.options.get(50)]).to.deep.equal([
      "525400000107",
      Buffer.from([10, 0, 1, 7]),
    ]);
  });

  it("is read as it was written, whatever it says", () => {
    const property = fc.property(messages, (message) => {
      expect(readMessage(writeMessage(message, 4_000))).to.deep.equal(message);
    });
    fc.assert(property, { seed, numRuns: 300 });
  });

  it("is never longer than it may be, and has the first of its options that find room", () => {
    const property = fc.property(messages, fc.integer({ min: 548, max: 1_500 }), (message, bytesMax) => {
      const bytes = writeMessage(message, bytesMax);
      expect(bytes.length).to.be.within(300, bytesMax);
      const [first] = message.options;
      if (first !== undefined && first[1].length < 300)
        expect(readMessage(bytes)?.options.get(first[0])).to.deep.equal(first[1]);
    });
    fc.assert(property, { seed, numRuns: 300 });
  });

  it("is refused when it is cut anywhere in what counts, and harms nobody as random bytes", () => {
    const whole = dhcp({ type: 1, mac });
    for (let length = 0; length < 240; length += 1)
      expect(readMessage(whole.subarray(0, length)), String(length)).to.equal(undefined);
    const property = fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (random, isHeaded) => {
      const bytes = Buffer.from(random);
      readMessage(isHeaded ? Buffer.concat([whole.subarray(0, 240), bytes]) : bytes);
    });
    fc.assert(property, { seed, numRuns: 2_000 });
  });

  it("takes an option that comes in parts as one, and none that goes beyond its end", () => {
    const head = dhcp({ type: 1, mac }).subarray(0, 240);
    const read = (hex: string) =>
      readMessage(Buffer.concat([head, Buffer.from(hex, "hex")]))?.options.get(12);
    expect(read("0c0161000c0162ff")?.toString()).to.equal("ab");
    expect(read("0c0561")).to.equal(undefined);
  });
});
