/** Messages of DHCPv6 as bytes: what is written is read again, and random bytes harm nobody. */
import { expect } from "chai";
import fc from "fast-check";
import {
  type Dhcp6Message,
  optionCodes6,
  readIdentity,
  readMessage6,
  statusCodes6,
  writeIdentity,
  writeMessage6,
} from "../../../nodes/dhcp6/message.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const hex = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");
const option = fc.record({
  code: fc.integer({ min: 1, max: 0xffff }),
  data: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
});
const messages: fc.Arbitrary<Dhcp6Message> = fc.record({
  ...{ type: fc.nat({ max: 255 }), transaction: fc.nat({ max: 0xff_ffff }) },
  options: fc.array(option, { maxLength: 10 }),
});
/** The MAC of a client, an identity with one address, and what it asks for. */
const solicit = hex(`01 abcdef 0001 000a 0003 0001 525400000107
  0003 0028 00000009 00000000 00000000 0005 0018 fd000001000000000000000000000007 00000000 00000000
  0006 0002 0017 0008 0002 0000`);

describe(`a message of DHCPv6 (SEED=${seed})`, () => {
  it("is read as a client sends it", () => {
    const message = readMessage6(solicit);
    expect([message?.type, message?.transaction]).to.deep.equal([1, 0xabcdef]);
    expect(message?.options.map(({ code }) => code)).to.deep.equal([1, 3, 6, 8]);
    const [, identity] = message?.options ?? [];
    expect(identity && readIdentity(identity)).to.deep.equal({
      id: 9,
      addresses: ["fd000001000000000000000000000007"],
    });
  });

  it("is read as it was written, whatever it says", () => {
    const property = fc.property(messages, (message) => {
      expect(readMessage6(writeMessage6(message, 4_000))).to.deep.equal(message);
    });
    fc.assert(property, { seed, numRuns: 300 });
  });

  it("is never longer than it may be, and has the first of its options that find room", () => {
    const property = fc.property(messages, fc.integer({ min: 68, max: 300 }), (message, bytesMax) => {
      const bytes = writeMessage6(message, bytesMax);
      expect(bytes.length).to.be.within(4, bytesMax);
      const [first] = message.options;
      if (first !== undefined) expect(readMessage6(bytes)?.options[0]).to.deep.equal(first);
    });
    fc.assert(property, { seed, numRuns: 300 });
  });

  it("is refused when it is cut within an option, and harms nobody as random bytes", () => {
    const ends = [4, 18, 62, 68, solicit.length];
    for (let length = 0; length <= solicit.length; length += 1) {
      const isWhole = readMessage6(solicit.subarray(0, length)) !== undefined;
      expect(isWhole, String(length)).to.equal(ends.includes(length));
    }
    const property = fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
      for (const one of readMessage6(Buffer.from(random))?.options ?? []) readIdentity(one);
    });
    fc.assert(property, { seed, numRuns: 2_000 });
  });

  it("has no more options than a client sends, nor identities that are cut", () => {
    const many = (count: number) => Buffer.concat([hex("01abcdef"), Buffer.alloc(4 * count)]);
    expect(readMessage6(many(64))?.options).to.have.length(64);
    expect(readMessage6(many(65))).to.equal(undefined);
    for (const text of ["", "00000009", "00000009 00000000 00000000 0005 0018 fd"])
      expect(readIdentity({ code: optionCodes6.addresses, data: hex(text) })).to.equal(undefined);
  });

  it("has times of identities as servers say them, and a status in the place of addresses", () => {
    const [address, status] = ["fd000001000000000000000000000007", statusCodes6.noAddresses];
    const given = writeIdentity(3, 9, { addresses: [{ address, seconds: 100 }] });
    expect(given.data).to.deep.equal(
      hex(`00000009 00000032 00000050 0005 0018 ${address} 00000064 00000064`),
    );
    expect(writeIdentity(3, 9, { status }).data).to.deep.equal(
      hex("00000009 00000000 00000000 000d 0002 0002"),
    );
  });
});
