/** What hosts answer for in a run of chaos, judged by looks at them. By value. */
import { expect } from "chai";
import type { Fact } from "../../../actors/promises/facts.ts";
import type { HostAnswer } from "../../../actors/promises/host-look.ts";
import { judgeLooks } from "../../../nodes/chaos/looks-judged.ts";

const what = "The address 10.0.0.2 of network n";
const own = (portId = "p", pid = 7): HostAnswer => ({ what, portId, pid });
const led = (pid = 7): HostAnswer => ({
  ...{ what: "The floating address 192.0.2.7", portId: "p", pid, floatingId: "f" },
});

/** One look after the other, each 10 ms long. */
const looks = (
  ...all: readonly (readonly [hostId: string, answers: readonly HostAnswer[], version?: number])[]
): readonly Fact[] =>
  all.map(([hostId, answers, version = 5], at) => ({
    ...{ kind: "hostLook", hostId, atMs: 100 * at, untilMs: 100 * at + 10, version, answers },
  }));
const changed = (sequence: number): Fact => ({
  ...{ kind: "watched", atMs: 1, watcher: "w", project: "admin" },
  event: { sequence, atMs: 1, project: "demo", noun: "floating-ip", id: "f", event: "changed", body: {} },
});
const judged = (...facts: readonly Fact[]) =>
  judgeLooks(facts).map(({ promise, message }) => `${promise}: ${message}`);

describe("chaos: what hosts answer for", () => {
  it("is kept by an address that goes from one host to another, and by guests that began anew", () => {
    expect(
      judged(...looks(["a", [own()]], ["b", []], ["a", []], ["b", [own("p", 8)]], ["a", []])),
    ).to.deep.equal([]);
    expect(judged(...looks(["a", [own()]], ["b", [own("p", 8)]], ["a", [own("p", 9)]]))).to.deep.equal([]);
  });

  it("breaks N5 when a second host has it while the first one goes on, and says so once", () => {
    const both = looks(["a", [own()]], ["b", [own("p", 8)]], ["a", [own()]], ["b", [own("p", 8)]]);
    expect(judged(...both)).to.deep.equal([`N5: ${what} is answered by hosts a and b at once.`]);
  });

  it("says nothing of a look that has not ended before the first host was looked at again", () => {
    const [first, second, third] = looks(["a", [own()]], ["b", [own("p", 8)]], ["a", [own()]]);
    const long = { ...second, untilMs: 205 } as Fact;
    expect(judged(...[first, long, third].flatMap((one) => one ?? []))).to.deep.equal([]);
  });

  it("breaks N1 with two ports of one address, on one host or on two", () => {
    expect(judged(...looks(["a", [own("p"), own("q", 8)]]))).to.deep.equal([
      `N1: ${what} is that of ports p and q on a.`,
    ]);
    expect(judged(...looks(["a", [own("p")]], ["b", [own("q", 8)]], ["a", [own("p")]]))).to.deep.equal([
      `N1: ${what} is answered by hosts a and b at once.`,
    ]);
  });

  it("counts a floating address only where all know of its last change", () => {
    const answered = looks(["a", [led()], 5], ["b", [led(8)], 9], ["a", [led()], 5]);
    expect(judged(changed(8), ...answered)).to.deep.equal([]);
    expect(judged(changed(4), changed(10), ...answered)).to.deep.equal([
      "N5: The floating address 192.0.2.7 is answered by hosts a and b at once.",
    ]);
  });
});
