/** The bucket of tokens of a bandwidth limit, by value. */
import { expect } from "chai";
import { type Bucket, fullBucket, Meter, take } from "../../../nodes/switch/token-bucket.ts";

const limit = { kilobitsPerSecond: 20_000, burstKilobits: 2_000 };
const frame = 1_500;

/** Bytes that pass of frames sent one after the other. */
function passed(meter: Meter, frames: number, everyMs: number, fromMs = 0): number {
  let bytes = 0;
  for (let number = 0; number < frames; number += 1)
    if (meter.passes(limit, frame, fromMs + number * everyMs)) bytes += frame;
  return bytes;
}

describe("a bucket of tokens", () => {
  it("lets the burst pass at once, and then as much as time has brought", () => {
    const meter = new Meter();
    expect(passed(meter, 1_000, 0)).to.be.within(250_000 - frame, 250_000);
    expect(meter.passes(limit, frame, 0.1)).to.equal(false);
    expect(meter.passes(limit, frame, 0.3)).to.equal(true);
  });

  it("lets pass in ten seconds what the limit says, whoever sends five times as much", () => {
    const bytes = passed(new Meter(), 83_333, 0.12);
    expect(bytes).to.be.within(25_000_000, 25_250_000);
  });

  it("drops nothing of who stays below it", () => {
    expect(passed(new Meter(), 10_000, 0.601)).to.equal(10_000 * frame);
  });

  it("saves up the burst in a pause and no more", () => {
    const meter = new Meter();
    passed(meter, 1_000, 0);
    expect(passed(meter, 1_000, 0, 3_600_000)).to.be.within(250_000 - frame, 250_000);
  });

  it("gives nothing for a clock that stands still or is set back", () => {
    const empty: Bucket = { bits: 0, atMs: 1_000 };
    for (const nowMs of [1_000, 0]) expect(take(empty, limit, frame, nowMs).passes).to.equal(false);
  });

  it("lets a frame that is larger than the burst pass when it is full, and is empty then", () => {
    const small = { kilobitsPerSecond: 1_000, burstKilobits: 8 };
    const { bucket, passes } = take(fullBucket(small, 0), small, 65_000, 0);
    expect([passes, bucket.bits]).to.deep.equal([true, 0]);
    expect(take(bucket, small, 65_000, 7).passes).to.equal(false);
    expect(take(bucket, small, 65_000, 8).passes).to.equal(true);
  });

  it("follows a limit that changes, or is taken away", () => {
    const meter = new Meter();
    passed(meter, 1_000, 0);
    expect(meter.passes({ ...limit, kilobitsPerSecond: 24_000 }, frame, 0.6)).to.equal(true);
    for (let number = 0; number < 1_000; number += 1) expect(meter.passes(null, frame, 0.6)).to.equal(true);
    expect(passed(meter, 1_000, 0, 0.6), "a limit that comes back begins full").to.be.within(
      250_000 - frame,
      250_000,
    );
  });
});
