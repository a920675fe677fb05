/** Benchmarks in series: each result is written before the next benchmark starts. */
import { expect } from "chai";
import type { Note } from "../../nodes/bench/note.ts";
import { runSeries, type SeriesOutcome } from "../../nodes/bench/series.ts";

interface Line {
  readonly name: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly part?: string;
  readonly figures?: unknown;
  readonly machine: { readonly cores: number };
}

async function run(
  benchmarks: Readonly<Record<string, (written: readonly Line[], note: Note) => Promise<unknown>>>,
  signal = new AbortController().signal,
): Promise<{ readonly outcome: SeriesOutcome; readonly lines: readonly Line[]; readonly said: string }> {
  const [lines, said]: [Line[], string[]] = [[], []];
  const outcome = await runSeries({
    names: Object.keys(benchmarks),
    benchmarks: Object.fromEntries(
      Object.entries(benchmarks).map(([name, work]) => [name, (note: Note) => work(lines, note)]),
    ),
    write: (line) => {
      expect(line.indexOf("\n")).to.equal(line.length - 1);
      lines.push(JSON.parse(line));
    },
    say: (text) => said.push(text),
    signal,
  });
  return { outcome, lines, said: said.join("\n") };
}

describe("a series of benchmarks", () => {
  it("writes a line for each as it ends", async () => {
    const { outcome, lines } = await run({
      first: async () => ({ ms: 1 }),
      second: async (written) => written.map(({ name }) => name),
    });
    expect(outcome).to.equal("done");
    expect(lines.map(({ name, result }) => ({ name, result }))).to.deep.equal([
      { name: "first", result: { ms: 1 } },
      { name: "second", result: ["first"] },
    ]);
    for (const { machine } of lines) expect(machine.cores).to.be.at.least(1);
  });

  it("goes on after one that fails, keeps its error in its line, and ends as failed", async () => {
    const { outcome, lines, said } = await run({
      first: async () => 1,
      second: async () => {
        throw new Error("a column is missing");
      },
      third: async () => 3,
    });
    expect(outcome).to.equal("failed");
    expect(lines.map(({ name, result }) => [name, result])).to.deep.equal([
      ["first", 1],
      ["second", undefined],
      ["third", 3],
    ]);
    expect(lines[1]?.error).to.contain("a column is missing");
    expect(said).to.contain("second: FAILED");
  });

  it("writes each part of a benchmark before the next one is measured, also of one that never ends", async () => {
    const ended = new AbortController();
    const { lines } = await run(
      {
        first: async (written, note) => {
          note("alone", { ms: 1 });
          expect(written.at(-1)).to.deep.include({ name: "first", part: "alone", figures: { ms: 1 } });
          note("together", { ms: 2 });
          throw new Error("it cannot go on");
        },
        second: async (_written, note) => {
          note("alone", { ms: 3 });
          ended.abort();
          throw new Error("aborted");
        },
      },
      ended.signal,
    );
    expect(
      lines.map(({ name, part, figures, error }) => [name, part, figures, error === undefined]),
    ).to.deep.equal([
      ["first", "alone", { ms: 1 }, true],
      ["first", "together", { ms: 2 }, true],
      ["first", undefined, undefined, false],
      ["second", "alone", { ms: 3 }, true],
    ]);
  });

  it("stops at one that a signal has ended", async () => {
    const ended = new AbortController();
    const { outcome, lines } = await run(
      {
        first: async () => 1,
        second: async () => {
          ended.abort();
          throw new Error("aborted");
        },
        third: async () => 3,
      },
      ended.signal,
    );
    expect(outcome).to.equal("interrupted");
    expect(lines.map(({ name }) => name)).to.deep.equal(["first"]);
  });
});
