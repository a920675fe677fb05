/** Who is heard while a project floods: everybody but the flood, without a gap, and all again afterwards. */
import { expect } from "chai";
import { admissionLimits as limits } from "../../../protocol/limits/admission.ts";
import { commandBinding } from "../../../protocol/wire/binding.ts";
import { Hearing } from "../../../protocol/wire/hearing.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

const patternOf = (project: string) => `novact.v1.test.cmd.${project}.>`;
const all = "novact.v1.test.cmd.>";
const projects = ["flooder", "quiet", "second"];

function world(known: readonly string[] | undefined = projects) {
  const clock = new SimulatedClock();
  const heard = new Set<string>();
  /** What began and ended, in order. */
  const deeds: string[] = [];
  const listen = (pattern: string) => {
    heard.add(pattern);
    deeds.push(`+${pattern}`);
    return {
      drain: async () => {
        heard.delete(pattern);
        deeds.push(`-${pattern}`);
      },
    };
  };
  const hearing = new Hearing({ binding: commandBinding("test"), projects: known, clock, listen });
  /** Messages that are kept out in one moment; how many of them until the sender was not heard any more. */
  const flood = (name: string, count: number, bytes = 200): number | undefined => {
    for (let at = 1; at <= count; at += 1) if (hearing.keptOut(name, bytes, clock.monotonicMs())) return at;
    return undefined;
  };
  return { clock, heard, deeds, hearing, flood };
}

const others = ["quiet", "second", "admin", "sys"].map(patternOf);

describe("what a server hears", () => {
  it("is everybody by one subscription, also beside a project that is somewhat too fast", async () => {
    const { clock, heard, flood } = world();
    for (let at = 0; at < 600; at += 1) {
      expect(flood("flooder", 400)).to.equal(undefined);
      await clock.advance(100);
    }
    expect([...heard]).to.deep.equal([all]);
  });

  it("is everybody but the flood, for longer each time, and everybody again afterwards", async () => {
    const { clock, heard, flood } = world();
    const pauses: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      // Sooner once it is known for a flood.
      expect(flood("flooder", 10_000)).to.be.within(round === 0 ? 3_000 : 300, round === 0 ? 5_000 : 1_000);
      expect([...heard]).to.have.members(others);
      const beganMs = clock.monotonicMs();
      while (!heard.has(all)) await clock.advance(10);
      pauses.push(clock.monotonicMs() - beganMs);
      expect([...heard]).to.deep.equal([all]);
    }
    const { muteMsMin, muteMsMax } = limits;
    expect(pauses.slice(0, 3)).to.deep.equal([muteMsMin, 2 * muteMsMin, 4 * muteMsMin]);
    expect(pauses.at(-1)).to.equal(muteMsMax);
    await clock.advance(limits.muteForgottenMs);
    flood("flooder", 10_000);
    await clock.advance(muteMsMin);
    expect([...heard]).to.deep.equal([all]);
  });

  it("is exchanged without a gap: what is new begins before what is old ends", async () => {
    const { clock, deeds, flood } = world();
    flood("flooder", 10_000);
    await clock.advance(limits.muteMsMin);
    const plus = others.map((pattern) => `+${pattern}`);
    const minus = others.map((pattern) => `-${pattern}`);
    expect(deeds).to.deep.equal([`+${all}`, ...plus, `-${all}`, `+${all}`, ...minus]);
  });

  it("never leaves out another project, nor an operator, nor anybody when not all are known", async () => {
    const { heard, flood } = world();
    for (const name of ["admin", "sys", "stranger", ""]) expect(flood(name, 100_000)).to.equal(undefined);
    expect([...heard]).to.deep.equal([all]);
    const unknown = world([]);
    expect(unknown.flood("flooder", 100_000)).to.equal(undefined);
    expect([...unknown.heard]).to.deep.equal([all]);
  });

  it("leaves out each of several that flood, until the last of them is heard again", async () => {
    const { clock, heard, flood } = world();
    flood("flooder", 10_000);
    await clock.advance(100);
    expect(flood("second", 10_000)).to.be.a("number");
    expect([...heard]).to.have.members(["quiet", "admin", "sys"].map(patternOf));
    await clock.advance(limits.muteMsMin - 100);
    expect([...heard]).to.have.members(["flooder", "quiet", "admin", "sys"].map(patternOf));
    await clock.advance(100);
    expect([...heard]).to.deep.equal([all]);
  });

  it("counts bytes: large messages are left out after some dozens", () => {
    expect(world().flood("flooder", 1_000, 320 * 1_024)).to.be.within(20, 100);
  });

  it("counts many small floods together, and leaves out those who have a part in them", () => {
    const many = Array.from({ length: 40 }, (_, at) => `p${at}`);
    const { flood } = world([...many, "quiet"]);
    expect(flood("quiet", 100)).to.equal(undefined);
    const left = many.filter((name) => flood(name, 1_000) !== undefined);
    expect(left.length).to.be.greaterThan(20);
    expect(flood("quiet", 100)).to.equal(undefined);
  });

  it("ends with its server, and nobody is heard again", async () => {
    const { clock, heard, hearing, flood } = world();
    flood("flooder", 10_000);
    await hearing.drain();
    await clock.advance(60_000);
    expect([...heard]).to.deep.equal([]);
  });
});
