/** What routers tell guests, by value, and which questions it is an answer to. */
import { expect } from "chai";
import fc from "fast-check";
import {
  advertisementOf,
  allRouters,
  isSolicitation,
  writeAdvertisement,
} from "../../../nodes/dhcp6/advertisement.ts";
import { checksum6, writeDiscovery } from "../../../nodes/switch/frames/packet6.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const hex = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");
const lease = {
  ...{ address: "fd000001000000000000000000000007", range: "fd000001000000000000000000000000", prefix: 64 },
  ...{ gateway: "fd000001000000000000000000000001", mtuBytes: 1_400 },
  dnsServers: ["262000fe0000000000000000000000fe", "262000fe000000000000000000000009"],
};
const mac = "fa163e000001";

describe(`a router's advertisement (SEED=${seed})`, () => {
  it("says the way out, the link's range from which nobody takes an address, and who knows names", () => {
    const message = writeAdvertisement(advertisementOf(lease, true), mac);
    expect(message).to.deep.equal(
      hex(`86000000 40 80 2328 00000000 00000000
        0101 ${mac} 0501 0000 00000578
        0304 40 80 00015180 00015180 00000000 ${lease.range}
        1905 0000 00002328 ${lease.dnsServers.join("")}`),
    );
  });

  it("says no way out where no router of ours is, and nobody who knows names", () => {
    const message = writeAdvertisement(advertisementOf({ ...lease, dnsServers: [] }, false), mac);
    expect(message.subarray(0, 8)).to.deep.equal(hex("86000000 40 80 0000"));
    expect(message).to.have.length(16 + 8 + 8 + 32);
  });

  it("has the flags that it is to have", () => {
    const said = { ...advertisementOf(lease, true), managed: false, other: true };
    expect(writeAdvertisement(said, mac)[5]).to.equal(0x40);
  });

  it("is sent with its sum, and as what no router has led here", () => {
    const ends = { source: "fe80000000000000f8163efffe000001", destination: lease.address };
    const macs = { source: mac, destination: "525400000107" };
    const frame = writeDiscovery(macs, ends, writeAdvertisement(advertisementOf(lease, true), mac));
    expect(checksum6(ends, frame.subarray(54))).to.equal(0);
    expect([frame[20], frame[21]]).to.deep.equal([58, 255]);
  });
});

describe(`a guest's question for routers (SEED=${seed})`, () => {
  const asked = (text: string, given: { readonly hops?: number; readonly isNameless?: boolean } = {}) =>
    isSolicitation({ message: hex(text), hops: 255, isNameless: false, ...given });

  it("is taken with and without options", () => {
    expect(asked("85000000 00000000")).to.equal(true);
    expect(asked("85000000 00000000 0101525400000107")).to.equal(true);
    expect(asked("85000000 00000000", { isNameless: true })).to.equal(true);
    expect(asked("85000000 00000000 0e01000000000000", { isNameless: true })).to.equal(true);
    expect(allRouters).to.have.length(32);
  });

  const faults: readonly (readonly [string, string, object?])[] = [
    ["of another type", "86000000 00000000"],
    ["of another code", "85010000 00000000"],
    ["from another link", "85000000 00000000", { hops: 254 }],
    ["cut short", "85000000 000000"],
    ["with an option of no length", "85000000 00000000 0100525400000107"],
    ["with an option beyond its end", "85000000 00000000 0102525400000107"],
    ["with half an option", "85000000 00000000 01"],
    ["of nobody, who says a MAC", "85000000 00000000 0101525400000107", { isNameless: true }],
  ];
  for (const [what, text, given] of faults)
    it(`is none ${what}`, () => {
      expect(asked(text, given)).to.equal(false);
    });

  it("harms nobody as random bytes", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (random, isNameless) => {
      const message = Buffer.concat([hex("85000000 00000000"), Buffer.from(random)]);
      isSolicitation({ message, hops: 255, isNameless });
    });
    fc.assert(property, { seed, numRuns: 1_000 });
  });
});
