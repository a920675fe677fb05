/** Logs of several processes as one: in the order of time, as they grow, and after they were renamed. */
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { NothingNamedError } from "../../../nodes/config/errors.ts";
import { LogFiles, logDirectory } from "../../../nodes/logs/files.ts";
import { answers, lineIn } from "../../../nodes/logs/lines.ts";
import { openLog } from "../../../nodes/process/log.ts";

const text = (second: number, process: string, fields: object = {}, msg = "m"): string =>
  `${JSON.stringify({ level: "info", time: new Date(second * 1_000).toISOString(), process, ...fields, msg })}\n`;

describe("a line of a log", () => {
  it("is what the log writes, with everything else that it says", () => {
    expect(lineIn(text(1, "node-1", { requestId: "r", deep: { a: 1 } }).trim())).to.deep.equal({
      ...{ atMs: 1_000, process: "node-1", level: "info", message: "m" },
      fields: { requestId: "r", deep: { a: 1 } },
    });
  });

  it("is nothing when it is half, no JSON, or somebody else's", () => {
    for (const other of ["", "{", '{"a":', "[INF] Server is ready", "null", '{"level":"info","msg":"m"}'])
      expect(lineIn(other), other).to.equal(undefined);
  });

  it("is about an id that it has as a value, whole, however deep", () => {
    const line = (fields: object) =>
      lineIn(text(1, "p", fields).trim()) as NonNullable<ReturnType<typeof lineIn>>;
    for (const fields of [{ a: "r-1" }, { a: { b: ["r-1"] } }, { subject: "novact.v1.r-1.get" }])
      expect(answers(line(fields), { requestId: "r-1" }), JSON.stringify(fields)).to.equal(true);
    for (const fields of [{ a: "r-11" }, { "r-1": "a" }, {}, { a: "xr-1" }])
      expect(answers(line(fields), { requestId: "r-1" }), JSON.stringify(fields)).to.equal(false);
    expect(answers(line({ a: "r-1" }), { requestId: "r-1", instanceId: "i" })).to.equal(false);
    expect(answers(line({ a: "r-1" }), { requestId: "r-1", sinceMs: 1_001 })).to.equal(false);
  });
});

describe("the logs of a cluster", () => {
  let directory: string;
  const at = (name: string) => join(directory, name);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-logs-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const said = async (files: LogFiles) =>
    (await files.look()).map(({ process, message }) => `${process} ${message}`);

  it("are one, in the order of time, with the older file of each and without other programs' logs", async () => {
    writeFileSync(at("node-1.log.1"), text(1, "node-1", {}, "a"));
    writeFileSync(at("node-1.log"), text(3, "node-1", {}, "c"));
    writeFileSync(
      at("controller-1.log"),
      text(2, "controller-1", {}, "b") + text(4, "controller-1", {}, "d"),
    );
    writeFileSync(at("nats.log"), "[1] 2026/01/01 [INF] Server is ready\n");
    writeFileSync(at("node-1.out"), text(9, "node-1"));
    expect(await said(new LogFiles(directory, {}))).to.deep.equal([
      "node-1 a",
      "controller-1 b",
      "node-1 c",
      "controller-1 d",
    ]);
  });

  it("are told once, as they grow; half a line when it is whole, and what was renamed to its end", async () => {
    writeFileSync(at("p.log"), text(1, "p", {}, "a"));
    const files = new LogFiles(directory, {});
    expect(await said(files)).to.deep.equal(["p a"]);
    expect(await said(files)).to.deep.equal([]);
    const next = text(2, "p", {}, "bü");
    const bytes = Buffer.from(next);
    appendFileSync(at("p.log"), bytes.subarray(0, bytes.length - 6));
    expect(await said(files)).to.deep.equal([]);
    appendFileSync(at("p.log"), bytes.subarray(bytes.length - 6));
    expect(await said(files)).to.deep.equal(["p bü"]);
    appendFileSync(at("p.log"), text(3, "p", {}, "c"));
    renameSync(at("p.log"), at("p.log.1"));
    writeFileSync(at("p.log"), text(4, "p", {}, "d"));
    expect(await said(files)).to.deep.equal(["p c", "p d"]);
    expect(await said(files)).to.deep.equal([]);
  });

  it("are read from what the product writes, and hold no password", async () => {
    const log = openLog({ process: "controller-1", file: at("controller-1.log"), level: "info" });
    log.info({ requestId: "r-7", error: new Error("postgres://u:secret@h/d is away") }, "failed");
    log.info({ requestId: "r-8" }, "other");
    log.close();
    const [line, ...more] = await new LogFiles(directory, { requestId: "r-7" }).look();
    expect(more).to.deep.equal([]);
    expect(line).to.include({ process: "controller-1", level: "info", message: "failed" });
    expect(JSON.stringify(line)).not.to.contain("secret");
  });

  it("are looked for in the state directory, and an error says where and what to do", () => {
    const config = at("cluster.yaml");
    writeFileSync(config, `stateDirectory: ${at("state")}\n`);
    expect(() => logDirectory(config))
      .to.throw(NothingNamedError, "Logs are read from the state directory of this computer")
      .with.property("next")
      .that.contains("--config FILE");
  });
});
