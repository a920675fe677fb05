/** Texts of addresses and ranges: which are accepted, and in which form they are kept. */
import { expect } from "chai";
import fc from "fast-check";
import {
  addressOf,
  addressText,
  cidrOf,
  cidrText,
  contains,
  overlap,
  usable,
} from "../../protocol/address.ts";

const text = (written: string) => {
  const address = addressOf(written);
  return address === undefined ? undefined : addressText(address);
};
const range = (written: string) => {
  const cidr = cidrOf(written);
  return cidr === undefined ? undefined : cidrText(cidr);
};

describe("an address", () => {
  it("has one text, however it is written", () => {
    expect(text("192.0.2.10")).to.equal("192.0.2.10");
    expect(text("2001:DB8:0:0::1")).to.equal("2001:db8::1");
    expect(text("::ffff:192.0.2.1")).to.equal("::ffff:c000:201");
    expect(text("::")).to.equal("::");
  });

  it("is none where readers differ, or where it is cut short", () => {
    for (const written of ["", "1.2.3", "010.0.0.1", "1.2.3.256", "0x7f.0.0.1", "2130706433", "1.2.3.4.5"])
      expect(text(written), written).to.equal(undefined);
    for (const written of ["1::2::3", "fe80::1%eth0", "12345::", ":", "g::", "::1.2.3", "1:2:3:4:5:6:7"])
      expect(text(written), written).to.equal(undefined);
  });

  it("is the same number again from its text", () => {
    const addresses = fc.oneof(
      fc.record({ version: fc.constant(4 as const), value: fc.bigInt(0n, 2n ** 32n - 1n) }),
      fc.record({ version: fc.constant(6 as const), value: fc.bigInt(0n, 2n ** 128n - 1n) }),
    );
    fc.assert(
      fc.property(addresses, (address) => {
        expect(addressOf(addressText(address))).to.deep.equal(address);
      }),
    );
  });
});

describe("a range", () => {
  it("has no bits behind its prefix", () => {
    expect(range("10.0.0.0/8")).to.equal("10.0.0.0/8");
    expect(range("FD00::/8")).to.equal("fd00::/8");
    for (const written of ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0", "fd00::/129", "10.0.0.0/-1"])
      expect(range(written), written).to.equal(undefined);
  });

  it("contains its addresses, and those of no other version", () => {
    const [ten, six] = [cidrOf("10.0.0.0/30"), cidrOf("::/0")];
    if (ten === undefined || six === undefined) throw new Error("Both are ranges.");
    const [last, next] = [addressOf("10.0.0.3"), addressOf("10.0.0.4")];
    if (last === undefined || next === undefined) throw new Error("Both are addresses.");
    expect([contains(ten, last), contains(ten, next), contains(six, last)]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect([overlap(ten, six), overlap(ten, ten)]).to.deep.equal([false, true]);
  });

  it("has addresses that stand for all of it, but where it is too small for them", () => {
    const ends = (written: string) => {
      const cidr = cidrOf(written);
      if (cidr === undefined) throw new Error(`${written} is a range.`);
      const { version, first, last } = usable(cidr);
      return [first, last].map((value) => addressText({ version, value }));
    };
    expect(ends("10.0.0.0/29")).to.deep.equal(["10.0.0.1", "10.0.0.6"]);
    expect(ends("10.0.0.0/31")).to.deep.equal(["10.0.0.0", "10.0.0.1"]);
    expect(ends("10.0.0.8/32")).to.deep.equal(["10.0.0.8", "10.0.0.8"]);
    expect(ends("fd00::/126")).to.deep.equal(["fd00::1", "fd00::3"]);
  });
});
