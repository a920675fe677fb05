/**
 * The devices that the nodes of a cluster share, of several clusters on one network: none takes those of
 * another one, though their directories have the same path in two containers. In a network namespace of the
 * spec's own. Needs root, iproute2, nftables, conntrack and a kernel with veth.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { killed } from "../../nodes/bench/tap-opener.ts";
import { deviceNames, markOfPath } from "../../nodes/drivers/left-networks.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { makePrivateComputer, type PrivateComputer } from "../support/private-computer.ts";
import { skip } from "../support/services.ts";

const program = join(import.meta.dirname, "../support/shared-devices.ts");

describe("the devices that the nodes of a cluster share", function () {
  this.timeout(180_000);
  let computer: PrivateComputer;
  let place: string;
  const containers: ChildProcess[] = [];

  before(async function () {
    const missing = missingForBridges();
    if (missing !== undefined) return skip(this, missing);
    computer = await makePrivateComputer();
    place = mkdtempSync(join(tmpdir(), "novact-shared-"));
  });
  afterEach(async () => {
    await Promise.all(containers.splice(0).map(killed));
  });
  after(async () => {
    await computer?.close();
    if (place !== undefined) rmSync(place, { recursive: true, force: true });
  });

  const run = (entrance: readonly string[], ...words: readonly string[]): string => {
    const [first = "", ...rest] = [...entrance, ...words];
    return execFileSync(first, rest, { encoding: "utf8", timeout: 60_000 });
  };
  /** Another file system at `place`, on the same network. */
  const container = async (): Promise<readonly string[]> => {
    const making = 'mount -t tmpfs novact "$1" && mkdir "$1/state" && echo ready && exec sleep infinity';
    const [first = "", ...rest] = [
      ...computer.entrance,
      "unshare",
      "--mount",
      "sh",
      "-ec",
      making,
      "sh",
      place,
    ];
    const child = spawn(first, rest, { stdio: ["ignore", "pipe", "inherit"] });
    containers.push(child);
    await new Promise((resolve, reject) => {
      child.stdout.once("data", resolve);
      child.once("exit", reject);
    });
    return ["nsenter", `--target=${child.pid}`, "--net", "--mount", "--root"];
  };
  const devices = () =>
    [...run(computer.entrance, "ip", "-o", "link").matchAll(/ (nv[a-d][0-9a-f]{8})@/g)].map(
      ([, name]) => name,
    );
  const choose = (entrance: readonly string[], state = join(place, "state")) => {
    const { choices, said } = JSON.parse(run(entrance, process.execPath, program, state, "choose"));
    const [choice] = choices;
    expect(choice?.driver, said.join()).to.equal("bridge");
    return String(choice.options.underlayOn.device);
  };
  const end = (entrance: readonly string[], state = join(place, "state")) =>
    run(entrance, process.execPath, program, state, "end");

  it("are apart for two containers with one network and one path, and each takes away its own", async () => {
    const [one, other] = [await container(), await container()];
    const [first, second] = [choose(one), choose(other)];
    expect(first).not.to.equal(second);
    expect(devices()).to.have.length(8);
    expect([choose(one), choose(other)], "at every start the same").to.deep.equal([first, second]);
    end(one);
    expect(devices()).to.have.length(4).and.to.include(second);
    end(other);
    expect(devices()).to.deep.equal([]);
    expect([choose(one), choose(other)]).to.deep.equal([first, second]);
    end(one);
    end(other);
  });

  it("are found again by a cluster whose directory was removed", async () => {
    const state = join(place, "removed");
    mkdirSync(state);
    const before = choose(computer.entrance, state);
    rmSync(state, { recursive: true });
    mkdirSync(state);
    expect(choose(computer.entrance, state)).to.equal(before);
    end(computer.entrance, state);
    expect(devices()).to.deep.equal([]);
  });

  it("keep the names that a version of before has given, until they are taken away", async () => {
    const state = join(place, "old");
    mkdirSync(state);
    const { underlay } = deviceNames(markOfPath(state));
    run(
      computer.entrance,
      "ip",
      "link",
      "add",
      underlay,
      "type",
      "veth",
      "peer",
      underlay.replace("nva", "nvb"),
    );
    writeFileSync(join(state, "network.json"), JSON.stringify({ driver: "bridge", range: 7, places: {} }));
    expect(choose(computer.entrance, state)).to.equal(underlay);
    end(computer.entrance, state);
    expect(devices()).to.deep.equal([]);
    expect(choose(computer.entrance, state)).not.to.equal(underlay);
    end(computer.entrance, state);
  });
});
