/** I2: two processes of one instance are found at the instant in which the second starts. */
import { expect } from "chai";
import { neverTwo } from "../../../actors/promises/i02-never-two.ts";
import { guest, judged, quiet } from "./worlds.ts";

const written = (pid: number, hostId = "h1") =>
  ({ kind: "diskWritten", atMs: 1_000, hostId, instanceId: "i", pid }) as const;

describe("promise I2, never two", () => {
  it("is kept by one process after the other, and by many instances at once", () => {
    const facts = [
      guest("guestStarted"),
      written(100),
      guest("guestStarted", { instanceId: "j", pid: 101 }),
      guest("guestEnded"),
      guest("guestStarted", { hostId: "h2", ownerEpoch: 2 }),
      written(100, "h2"),
    ];
    expect(judged(neverTwo(), facts)).to.deep.equal([]);
  });

  it("is kept by a process that is seen to start twice", () => {
    expect(judged(neverTwo(), [guest("guestStarted"), guest("guestStarted")])).to.deep.equal([]);
  });

  it("is kept by a process that comes to be on a host without its lease, and cannot write", () => {
    const second = (held: boolean) => guest("guestStarted", { hostId: "h2", ownerEpoch: 2, held });
    expect(judged(neverTwo(), [guest("guestStarted"), second(true)])).to.deep.equal([]);
    expect(judged(neverTwo(), [guest("guestStarted"), second(false)])).to.have.length(1);
  });

  it("is broken by a second process, on the same or another host, of whatever epoch", () => {
    for (const second of [{ pid: 101 }, { hostId: "h2" }, { pid: 101, ownerEpoch: 2 }]) {
      const facts = [guest("guestStarted"), guest("guestStarted", second)];
      expect(judged(neverTwo(), facts)).to.have.length(1);
    }
  });

  it("is broken by a write of whoever is not the only living process", () => {
    expect(judged(neverTwo(), [written(100)])).to.have.length(1);
    expect(judged(neverTwo(), [guest("guestStarted"), written(101)])).to.have.length(1);
    expect(judged(neverTwo(), [guest("guestStarted"), guest("guestEnded"), written(100)])).to.have.length(1);
    const two = [guest("guestStarted"), guest("guestStarted", { pid: 101 }), written(100)];
    expect(judged(neverTwo(), two)).to.have.length(2);
  });

  it("is broken by two processes that are left when all is quiet", () => {
    const one = { hostId: "h1", instanceId: "i", pid: 1, running: true };
    expect(judged(neverTwo(), [quiet({ guests: [one] })])).to.deep.equal([]);
    const found = judged(neverTwo(), [quiet({ guests: [one, { ...one, hostId: "h2" }] })]);
    expect(found).to.deep.equal(["Instance i is left with 2 processes: h1/1, h2/1."]);
  });
});
