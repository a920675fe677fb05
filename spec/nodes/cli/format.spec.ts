/**
 * Numbers, times, sizes and tables as people read them; and the parts of a guest's text that reach a
 * terminal.
 */
import { expect } from "chai";
import fc from "fast-check";
import {
  age,
  bytes,
  duration,
  gibibytes,
  mebibytes,
  momentMs,
  parseDuration,
  parseGibibytes,
  parseMebibytes,
  parseMoment,
  parsePair,
  parsePositive,
  time,
} from "../../../nodes/cli/format.ts";
import { type Column, type Fact, indented, renderFacts, renderTable } from "../../../nodes/cli/table.ts";
import { harmless, painter, plain } from "../../../nodes/cli/terminal.ts";

const uncoloured = painter({ write: () => undefined }, {});
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** Control characters that a console may send to a terminal: colours and line breaks. */
const escapeCharacter = "\u001b";
const kept = new RegExp(`${escapeCharacter}\\[[0-9;]*m|[\\n\\r\\t]`, "g");
const withoutColours = (text: string): string => text.replace(kept, "");

describe(`cli: format (seed ${seed})`, () => {
  it("ages have one unit, the largest of which there are two", () => {
    const at = (seconds: number) => age(0, seconds * 1_000);
    expect([at(0), at(119), at(120), at(7_199), at(7_200), at(172_799), at(172_800)]).to.deep.equal([
      ..."0s 119s 2m 119m 2h 47h 2d".split(" "),
    ]);
    expect(age(5_000, 0), "a clock that is behind").to.equal("0s");
  });

  it("durations keep as much as matters", () => {
    expect([0.4, 999, 1_000, 59_940, 60_000, 125_400].map(duration)).to.deep.equal([
      "0 ms",
      "999 ms",
      "1.0 s",
      "59.9 s",
      "1 min 0 s",
      "2 min 5 s",
    ]);
  });

  it("sizes are in binary units", () => {
    expect([0, 1_023, 1_024, 1_536, 20 * 1_024 ** 2].map(bytes)).to.deep.equal([
      "0 B",
      "1023 B",
      "1 KiB",
      "1.5 KiB",
      "20 MiB",
    ]);
    expect([mebibytes(0), mebibytes(512), mebibytes(2_048), gibibytes(10)]).to.deep.equal([
      "0",
      "512 MiB",
      "2 GiB",
      "10 GiB",
    ]);
  });

  it("times sort as text", () => {
    const times = fc.integer({ min: 0, max: 4_000_000_000_000 });
    fc.assert(
      fc.property(times, times, (left, right) => {
        // Not for an hour that daylight saving repeats: the two times are a day apart or the same.
        const later = left + 86_400_000 * (1 + (right % 1_000));
        return time(left) < time(later);
      }),
      { seed },
    );
  });

  it("durations and sizes are parsed with their units, and nonsense is refused", () => {
    expect(["500ms", "30s", "30", "2m", "1.5h"].map((text) => parseDuration(text))).to.deep.equal([
      500, 30_000, 30_000, 120_000, 5_400_000,
    ]);
    expect(["512", "512M", "512MiB", "2G", "1t"].map((text) => parseMebibytes(text))).to.deep.equal([
      512, 512, 512, 2_048, 1_048_576,
    ]);
    expect(["1GB", "1.5G", "1G", "1 GiB", "0.5g"].map((text) => parseMebibytes(text))).to.deep.equal([
      1_024, 1_536, 1_024, 1_024, 512,
    ]);
    expect(["10GB", "10GiB", "1.5T"].map((text) => parseGibibytes(text))).to.deep.equal([10, 10, 1_536]);
    expect(() => parseMebibytes("0.3G")).to.throw("whole MiB: 512M, 1.5G or 1GB; a bare number is MiB");
    expect(() => parseGibibytes("512M")).to.throw("a bare number is GiB");
    expect(["0", "10", "10G", "1T"].map((text) => parseGibibytes(text))).to.deep.equal([0, 10, 10, 1_024]);
    for (const text of ["", "x", "-1", "1 s", "1.5"])
      expect(() => parseGibibytes(text), text).to.throw(/whole GiB|size/);
    expect(() => parseDuration("soon")).to.throw(/such as 30s/);
    expect(parsePair("a=b=c", { x: "y" })).to.deep.equal({ x: "y", a: "b=c" });
    expect(() => parsePair("=b")).to.throw(/such as role=web/);
  });

  interface Row {
    readonly name: string;
    readonly state: string;
  }
  const columns: readonly Column<Row>[] = [
    { title: "NAME", value: ({ name }) => name, cut: true },
    { title: "STATE", value: ({ state }) => state },
  ];

  it("tables are aligned, without frames and trailing spaces", () => {
    const rows = [
      { name: "a", state: "running" },
      { name: "longer", state: "x" },
    ];
    expect(renderTable(columns, rows, { paint: uncoloured })).to.equal(
      "NAME    STATE\na       running\nlonger  x",
    );
  });

  it("a table too wide for the terminal is cut where it may be, and in a pipe nowhere", () => {
    const rows = [{ name: "n".repeat(60), state: "running" }];
    const narrow = renderTable(columns, rows, { paint: uncoloured, width: 40 }).split("\n");
    expect(Math.max(...narrow.map((line) => line.length))).to.be.at.most(40);
    expect(narrow[1]).to.match(/^n+… {2}running$/);
    expect(renderTable(columns, rows, { paint: uncoloured })).to.contain("n".repeat(60));
  });

  it("spare columns go before anything is cut, and a cell is never cut to nothing", () => {
    const rows = [{ name: "n".repeat(20), state: "running" }];
    const spare = [...columns, { title: "EXTRA", value: () => "x".repeat(20), spare: true }];
    expect(renderTable(spare, rows, { paint: uncoloured, width: 40 })).to.equal(
      `NAME                  STATE\n${"n".repeat(20)}  running`,
    );
    const tiny = renderTable(spare, rows, { paint: uncoloured, width: 5 });
    expect(tiny).to.match(/^n{9}… {2}running$/m);
  });

  it("of several columns that may be cut, the widest comes down to the others first", () => {
    const both = columns.map((column) => ({ ...column, cut: true }));
    const width = (name: number, state: number, most: number) => {
      const rows = [{ name: "n".repeat(name), state: "s".repeat(state) }];
      const [, row = ""] = renderTable(both, rows, { paint: uncoloured, width: most }).split("\n");
      return row.split("  ").map(({ length }) => length);
    };
    expect(width(60, 20, 52)).to.deep.equal([30, 20]);
    expect(width(60, 50, 42)).to.deep.equal([20, 20]);
    expect(width(60, 50, 10), "never to nothing").to.deep.equal([10, 10]);
  });

  it("where readers count columns, cells are cut before a column is left out", () => {
    const spare = [...columns, { title: "EXTRA", value: () => "extra", spare: true }];
    const rows = [{ name: "n".repeat(60), state: "running" }];
    const steady = renderTable(spare, rows, { paint: uncoloured, width: 40, steady: true });
    expect(steady.split("\n")[1]).to.match(/^n+… {2}running {2}extra$/);
    const narrow = renderTable(spare, rows, { paint: uncoloured, width: 20, steady: true });
    expect(narrow.split("\n")[0]).to.match(/^NAME +STATE$/);
  });

  it("moments are so long ago, or a time of the day here", () => {
    const at = (text: string) => momentMs(parseMoment(text), 100 * 86_400_000);
    expect([at("30m"), at("1.5h"), at("2d")]).to.deep.equal(
      [30 * 60_000, 90 * 60_000, 2 * 86_400_000].map((ago) => 100 * 86_400_000 - ago),
    );
    expect(at("2026-11-29")).to.equal(new Date(2026, 10, 29).getTime());
    expect(at("2026-11-29T18:40")).to.equal(new Date(2026, 10, 29, 18, 40).getTime());
    expect(at("2026-11-29 18:40:15.720")).to.equal(new Date(2026, 10, 29, 18, 40, 15, 720).getTime());
    expect(at("2026-11-29T18:40Z")).to.equal(Date.UTC(2026, 10, 29, 18, 40));
    for (const text of ["", "soon", "30", "2026-13-01", "1969-01-01", "2026-11-29T25:00"])
      expect(() => parseMoment(text), text).to.throw(/Give a time such as/);
  });

  it("numbers of things to be made or shown are one at least", () => {
    expect(parsePositive("12")).to.equal(12);
    for (const text of ["0", "00", "-1", "1.5", ""]) expect(() => parsePositive(text), text).to.throw(/Give/);
  });

  it("facts are aligned, and what is not there is left out", () => {
    const facts = [
      ["id", "1"],
      ["longer", "2"],
      ["none", undefined],
    ] as const;
    expect(renderFacts(facts, uncoloured)).to.equal("id      1\nlonger  2");
    const long: readonly Fact[] = [
      ["why", "one two three four"],
      ["id", "0123456789abcdef"],
    ];
    expect(renderFacts(long, uncoloured, 14)).to.equal(
      "why  one two\n     three\n     four\nid   0123456789abcdef",
    );
    expect(indented("a\nb")).to.equal("  a\n  b");
  });

  it("colours are for terminals that want them", () => {
    const stream = (isTTY: boolean) => ({ write: () => undefined, isTTY });
    expect(painter(stream(true), {})("red", "x")).to.equal("\u001b[31mx\u001b[39m");
    expect(painter(stream(false), {})("red", "x")).to.equal("x");
    expect(painter(stream(true), { NO_COLOR: "1" })("red", "x")).to.equal("x");
    expect(painter(stream(true), { TERM: "dumb" })("red", "x")).to.equal("x");
  });

  describe("text of others", () => {
    it("a guest's colours, tabs and lines pass; what steers the terminal does not", () => {
      const kept = "\u001b[1;32m[  OK  ]\u001b[0m started\tx\r\n";
      expect(harmless(kept)).to.equal(kept);
      const steering = [
        "\u001b]0;title\u0007", // Window title.
        "\u001b]52;c;cm0gLXJm\u001b\\", // Clipboard.
        "\u001b[2J\u001b[H\u001b[?1049h", // Screen, cursor, other screen.
        "\u001bc\u001b(B", // Reset, character set.
        "\u001bP$q\u001b\\\u009b5n\u0007\u0000\u007f", // Device control, reports, bell.
      ];
      for (const text of steering) expect(harmless(`a${text}b`), JSON.stringify(text)).to.equal("ab");
    });

    it("whatever a guest writes, nothing but colours and line breaks is left of its controls", () => {
      const hostile = fc.array(
        fc.constantFrom("\u001b", "[", "]", "0", ";", "m", "J", "\u0007", "\\", "x", "\u009b", "\n"),
      );
      fc.assert(
        fc.property(hostile, (parts) => {
          const left = withoutColours(harmless(parts.join("")));
          expect(left).not.to.match(/\p{Cc}/u);
        }),
        { seed, numRuns: 2_000 },
      );
    });

    it("names and messages are one line without controls", () => {
      expect(plain("a\nb\u001b[31mc\u0007")).to.equal("a b?[31mc?");
      expect(plain("a\u202egpj.exe\u200b\u2028\ud801")).to.equal("a?gpj.exe? ?");
    });
  });
});
