/** novact logs and novact version: their output, and their remarks where a cluster has no answer. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ownRelease, releaseText } from "../../../nodes/package/release.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn, nowhere } from "./cli-world.ts";

const lineOf = ({ second, ...rest }: { readonly second: number; readonly [name: string]: unknown }): string =>
  `${JSON.stringify({ time: new Date(second * 1_000).toISOString(), ...rest })}\n`;

describe("novact logs", () => {
  const novact = commandOn(nowhere);
  let directory: string;
  let config: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-logs-"));
    config = join(directory, "cluster.yaml");
    writeFileSync(config, "stateDirectory: state\n");
    mkdirSync(join(directory, "state", "log"), { recursive: true });
    const line = (process: string, second: number, requestId: string, msg: string) =>
      lineOf({ level: "warn", second, process, requestId, msg });
    const at = (name: string) => join(directory, "state", "log", name);
    writeFileSync(
      at("controller-1.log"),
      line("controller-1", 5, "r1", "first\u001b[2J") + line("controller-1", 6, "r2", "other"),
    );
    writeFileSync(at("node-1.log"), line("node-1", 7, "r1", "second"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("has the lines of a request from all processes, with time and level, safe for a terminal", async () => {
    const { out, exit } = await novact(`logs --request r1 --config ${config}`);
    const lines = out.trimEnd().split("\n");
    expect(exit).to.equal(0);
    expect(lines).to.have.length(2);
    expect(lines[0]).to.match(/05\.000 {2}controller-1 {2}warn {3}first\?\[2J {2}requestId=r1$/);
    expect(lines[1]).to.match(/07\.000 {2}node-1 {8}warn {3}second {2}requestId=r1$/);
  });

  it("as JSON has a value for each line", async () => {
    const { out } = await novact(`logs --request r1 --json --config ${config}`);
    const values = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(values.map(({ process, message }) => [process, message])).to.deep.equal([
      ["controller-1", "first\u001b[2J"],
      ["node-1", "second"],
    ]);
  });

  it("begins at a time, or so long ago, and says when there is nothing", async () => {
    const since = await novact(`logs --since 1970-01-01T00:00:06.500Z --config ${config}`);
    expect(since.out).to.contain("second").and.not.to.contain("first");
    const lately = await novact(`logs --since 10m --config ${config}`);
    expect([lately.out, lately.err]).to.deep.equal(["", "There are none.\n"]);
    expect((await novact(`logs --since 2026-99-99 --config ${config}`)).exit).to.equal(2);
  });

  it("goes on as they grow, until Ctrl-C", async () => {
    const stop = new AbortController();
    const path = join(directory, "state", "log", "node-1.log");
    const late = lineOf({ level: "info", second: 9, process: "node-1", requestId: "r1", msg: "late" });
    const { out, exit } = await novact(`logs --request r1 --follow --config ${config}`, {
      signal: stop.signal,
      onOut: (text) => {
        if (text.includes("second")) writeFileSync(path, late, { flag: "a" });
        if (text.includes("late")) stop.abort();
      },
    });
    expect(out).to.contain("late");
    expect(exit).to.equal(0);
  });

  it("elsewhere than on the cluster's computer says so", async () => {
    const { err, exit } = await novact("logs", { env: { NOVACT_URL: "nats://there" } });
    expect(err).to.contain("Logs are read from the state directory of this computer");
    expect(exit).to.equal(2);
  });
});

describe("novact version", () => {
  const own = releaseText(ownRelease());

  it("is there without a cluster, and on both sides", async () => {
    const { out, err, exit } = await commandOn(nowhere)("version");
    expect(out).to.equal(`novact ${own}\n`);
    expect(err).to.contain("What the cluster runs is not known: ");
    expect(exit).to.equal(0);
    expect((await commandOn(nowhere)("--version")).out).to.equal(`${own}\n`);
    expect((await commandOn(nowhere)("version --client")).err).to.equal("");
  });

  it("shows what every controller and host runs, and marks what differs", async () => {
    const world = await controllerWorld({ controllers: 2 });
    try {
      await world.host("a");
      await world.host("b");
      const novact = commandOn(connectOn(world.bus, "test").connect);
      const { out, err } = await novact("version");
      expect(out).to.match(/^WHAT +NAME +RUNS$/m);
      expect(out.match(/^controller +controller +unknown: it does not say$/gm)).to.have.length(2);
      expect(out).to.match(/^host +host-a +0\.0\.0, differs$/m);
      expect(err).to.contain("2 of 4 run another version than this.");
      const { client, running } = JSON.parse((await novact("version --json")).out);
      expect(client).to.deep.equal(ownRelease());
      expect(running).to.have.length(4);
    } finally {
      await world.stop();
    }
  });
});
