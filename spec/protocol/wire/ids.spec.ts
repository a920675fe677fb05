/** The maker of ids: their form, their deployment, and their order, whatever the clock does. */
import { expect } from "chai";
import fc from "fast-check";
import { createIds, deploymentMax, deploymentOf, uuidOf } from "../../../protocol/wire/ids.ts";

const deployments = fc.integer({ min: 0, max: deploymentMax });
const contents = fc.uint8Array({ minLength: 16, maxLength: 16 });

/** The bits of a UUID's text, as 0 and 1. */
const bitsOf = (id: string): string =>
  [...id.replaceAll("-", "")]
    .map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, "0"))
    .join("");

function makerAt(clock: { nowMs: number }, deployment = 0, fill = 0) {
  const nowMs = () => clock.nowMs;
  return createIds({
    deployment,
    clock: { nowMs },
    entropy: (count) => new Uint8Array(count).fill(fill),
  });
}

const timeOf = (id: string): number => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

describe("an id", () => {
  it("has version, variant and deployment at their places, in a version 4 as in a version 7", () => {
    fc.assert(
      fc.property(
        contents,
        deployments,
        fc.constantFrom(4 as const, 7 as const),
        (bytes, deployment, version) => {
          const id = uuidOf(bytes, version, deployment);
          expect(id).to.match(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
          const bits = bitsOf(id);
          expect(Number.parseInt(bits.slice(48, 52), 2)).to.equal(version);
          expect(bits.slice(64, 66)).to.equal("10");
          expect(Number.parseInt(bits.slice(66, 76), 2)).to.equal(deployment);
          const given = bitsOf(Buffer.from(bytes).toString("hex"));
          for (const [from, to] of [
            [0, 48],
            [52, 64],
            [76, 128],
          ])
            expect(bits.slice(from, to)).to.equal(given.slice(from, to));
          expect(deploymentOf(id)).to.equal(deployment);
        },
      ),
    );
  });

  it("is one of version 7 of its moment and its deployment", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 2 }), deployments, (nowMs, deployment) => {
        const id = makerAt({ nowMs }, deployment, 0xff).next();
        expect(id.slice(14, 15)).to.equal("7");
        expect([timeOf(id), deploymentOf(id)]).to.deep.equal([nowMs, deployment]);
        expect(id.slice(-12)).to.equal("ffffffffffff");
      }),
    );
  });

  it("is nobody's when it was not made here", () => {
    const others = [
      "",
      "web",
      "00000000-0000-0000-0000-000000000000",
      "01890000-0000-1000-8000-00000000000a",
      "01890000-0000-7000-0000-00000000000a",
      "01890000-0000-7000-8000-00000000000A",
      "01890000-0000-7000-8000-00000000000a ",
    ];
    for (const other of others) expect(deploymentOf(other), other).to.equal(undefined);
  });
});

describe("the maker of ids", () => {
  it("refuses a deployment that ten bits cannot say", () => {
    for (const deployment of [-1, 1_024, 0.5, Number.NaN])
      expect(() => makerAt({ nowMs: 1 }, deployment)).to.throw(RangeError);
  });

  it("makes ids that rise strictly, whatever the clock does, and none before its clock", () => {
    const steps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: -5, max: 5 }), fc.integer()), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 255 }), (jumps, fill) => {
        const clock = { nowMs: 2 ** 40 };
        const maker = makerAt(clock, 1_023, fill);
        let last = "";
        for (const jump of jumps) {
          clock.nowMs += jump;
          const id = maker.next();
          expect(id > last, `${last} < ${id}`).to.equal(true);
          expect(timeOf(id)).to.be.at.least(clock.nowMs);
          last = id;
        }
      }),
    );
  });

  it("takes the next millisecond early when it has used one up, and goes on with the clock", () => {
    const clock = { nowMs: 1_000 };
    const maker = makerAt(clock, 0, 0xff);
    // Its counter begins at 2,047, and ends at 4,095.
    const times = Array.from({ length: 2_050 }, () => timeOf(maker.next()));
    expect([times[0], times.at(-2), times.at(-1)]).to.deep.equal([1_000, 1_000, 1_001]);
    clock.nowMs = 5_000;
    expect(timeOf(maker.next())).to.equal(5_000);
  });

  it("stays where it was while the clock is behind", () => {
    const clock = { nowMs: 10_000 };
    const maker = makerAt(clock);
    const before = maker.next();
    clock.nowMs = 3_000;
    const behind = maker.next();
    expect([timeOf(behind), behind > before]).to.deep.equal([10_000, true]);
    clock.nowMs = 10_001;
    expect(timeOf(maker.next())).to.equal(10_001);
  });

  it("never makes one twice, in a million of one maker and of two that share a clock that jumps", () => {
    const clock = { nowMs: 1_700_000_000_000 };
    const entropy = (count: number) => crypto.getRandomValues(new Uint8Array(count));
    const makers = [1, 1].map((deployment) =>
      createIds({ deployment, clock: { nowMs: () => clock.nowMs }, entropy }),
    );
    const seen = new Set<string>();
    for (let index = 0; index < 500_000; index += 1) {
      if (index % 997 === 0) clock.nowMs += index % 2 === 0 ? 3 : -2;
      for (const maker of makers) seen.add(maker.next());
    }
    expect(seen.size).to.equal(1_000_000);
  }).timeout(60_000);
});
