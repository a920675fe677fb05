/** The log file: bounded, with causes, without passwords. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { processLimits } from "../../../nodes/process/limits.ts";
import { levelOf, openLog } from "../../../nodes/process/log.ts";
import { StatusError } from "../../../protocol/wire/status.ts";

describe("the log", () => {
  let directory: string;
  const file = () => join(directory, "log", "controller.log");
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-log-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("writes an error's whole chain, and no password", () => {
    const log = openLog({ process: "controller-1", file: file() });
    const cause = new Error("connect postgresql://novact:secret@127.0.0.1:5432/novact refused");
    log.error(
      { error: new StatusError("storeUnavailable", "No answer.", { cause, detail: "pool" }) },
      "a turn",
    );
    log.close();
    const text = readFileSync(file(), "utf8");
    const line = JSON.parse(text);
    expect(line).to.deep.include({ level: "error", process: "controller-1", msg: "a turn" });
    expect(line.error).to.deep.include({ reason: "storeUnavailable", message: "No answer.", detail: "pool" });
    expect(line.error.cause.message).to.equal(
      "connect postgresql://novact:***@127.0.0.1:5432/novact refused",
    );
    expect(text).not.to.contain("secret");
  });

  it("holds nothing raw that steers a terminal or cannot be seen, and means the same", () => {
    const log = openLog({ process: "p", file: file() });
    const name = "a\u009b2J\u202egpj\u200b\u2028b";
    log.info({ name }, name);
    log.close();
    const text = readFileSync(file(), "utf8");
    expect(text).not.to.match(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}]/u);
    expect(JSON.parse(text)).to.include({ name, msg: name });
  });

  it("keeps quiet below its level", () => {
    const log = openLog({ process: "p", file: file(), level: "warn" });
    log.info({}, "not this");
    log.warn({}, "this");
    log.close();
    expect(readFileSync(file(), "utf8").trim().split("\n")).to.have.length(1);
    expect(["debug", "loud", undefined].map(levelOf)).to.deep.equal(["debug", "info", "info"]);
  });

  it("sets the file aside when it is full, and never has more than two", () => {
    const log = openLog({ process: "p", file: file() });
    const text = "x".repeat(1024 * 1024);
    for (let written = 0; written < 2.5 * processLimits.logBytesMax; written += text.length)
      log.info({ text }, "full");
    log.close();
    expect(statSync(file()).size).to.be.at.most(processLimits.logBytesMax);
    expect(statSync(`${file()}.1`).size).to.be.at.most(processLimits.logBytesMax);
    expect(existsSync(`${file()}.2`)).to.equal(false);
  });
});
