/**
 * protocol/README.md agrees with the definitions. `NOVACT_WRITE_DOCS=1 npx mocha …` writes its tables anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { driverLimits } from "../../nodes/drivers/limits.ts";
import { eventNames } from "../../protocol/event.ts";
import { retentionLimits } from "../../protocol/limits/retention.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { instanceStates, operationStates } from "../../protocol/states.ts";
import { headerNames } from "../../protocol/wire/headers.ts";
import { reasons } from "../../protocol/wire/reasons.ts";
import { allLimits } from "../support/all-limits.ts";
import { allServices } from "../support/all-services.ts";
import { limitNotes } from "../support/protocol-limit-notes.ts";
import { notes } from "../support/protocol-notes.ts";
import { generatedParts, noteTargets } from "../support/protocol-tables.ts";

const file = join(import.meta.dirname, "../../protocol/README.md");

const partOf = (name: string) => new RegExp(`(<!-- ${name} -->\n)([\\s\\S]*?)(<!-- /${name} -->)`);

const limitNames = new Set(allLimits.map(({ name }) => name));

describe("protocol/README.md", () => {
  before(() => {
    if (process.env.NOVACT_WRITE_DOCS !== "1") return;
    let text = readFileSync(file, "utf8");
    for (const [name, part] of Object.entries(generatedParts())) {
      text = text.replace(partOf(name), (_, open: string, __, close: string) => `${open}${part}\n${close}`);
    }
    writeFileSync(file, text);
  });

  const text = () => readFileSync(file, "utf8");

  for (const [name, part] of Object.entries(generatedParts())) {
    it(`has the ${name} as they are defined`, () => {
      const found = partOf(name).exec(text())?.[2];
      expect(found, "run with NOVACT_WRITE_DOCS=1 to write the tables anew").to.equal(`${part}\n`);
    });
  }

  it("names every method, reason, state, event and header", () => {
    const methods = allServices.flatMap(({ noun, methods }) =>
      Object.keys(methods).map((name) => `#### ${noun}.${name}\n`),
    );
    const events = Object.values(eventNames).flatMap((names) => names.map((name) => `\`${name}\``));
    const states = [...instanceStates, ...operationStates].map((state) => `\`${state}\``);
    const codes = Object.keys(reasons).map((reason) => `| \`${reason}\` |`);
    for (const needed of [...methods, ...events, ...states, ...codes, ...Object.values(headerNames)]) {
      expect(text()).to.include(needed);
    }
  });

  it("speaks of nothing that is gone: every note is about a field, every limit exists", () => {
    const targets = noteTargets();
    expect(Object.keys(notes).filter((path) => !targets.has(path))).to.deep.equal([]);
    expect(Object.keys(limitNotes).filter((name) => !limitNames.has(name))).to.deep.equal([]);
  });

  it("counts the bytes of its raw session right", () => {
    const [, sizes = "", rest = ""] = /^C: HPUB \S+ \S+ (\d+ \d+)\n((?:C:.*\n)+)/m.exec(text()) ?? [];
    const lines = rest.split("\n").map((line) => line.replace(/^C: ?/, ""));
    const end = lines.indexOf("");
    const head = lines.slice(0, end).reduce((sum, line) => sum + line.length + 2, 2);
    expect(sizes).to.equal(`${head} ${head + (lines[end + 1] ?? "").length}`);
  });

  it("says the limits in its text as they are", () => {
    expect(wireLimits.bodyBytesMax).to.equal(256 * 1024);
    expect(wireLimits.bodyDepthMax).to.equal(16);
    expect(wireLimits.headerBytesMax).to.equal(8 * 1024);
    expect(wireLimits.timeoutMsDefault).to.equal(10_000);
    expect(wireLimits.timeoutMsMax).to.equal(3_600_000);
    expect(retentionLimits.requestKeptMs).to.equal(26 * 3_600_000);
    expect(retentionLimits.eventKeptMs).to.equal(30 * 24 * 3_600_000);
    expect(driverLimits.consoleLogBytesMax).to.equal(1024 * 1024);
    expect([
      wireLimits.retryBackoffMsMin,
      wireLimits.retryBackoffMsMax,
      wireLimits.answerGraceMs,
    ]).to.deep.equal([20, 1_000, 250]);
  });
});
