/** What the driver `user` leaves on a host that gets another network driver, with processes that pretend. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { endLeavings } from "../../../nodes/drivers/user-network/leavings.ts";
import { canPublish } from "../../../nodes/drivers/user-network/ports.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { readSwitchState } from "../../../nodes/switch/state.ts";
import { silentLog, type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";

const plug = (number: number) => ({
  ...{ portId: `port-${number}`, networkId: "network", instanceId: `instance-${number}`, hostName: "web" },
  ...{ mac: `52:54:00:00:00:0${number}`, mtuBytes: 1_450, path: `/nowhere/${number}` },
});

describe("what the driver user has left of a node", () => {
  let place: TemporaryDirectory;
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(() => place.remove());

  const end = (driver: string | null) =>
    endLeavings(
      {
        ...{ hostId: "own", stateDirectory: join(place.path, "node"), computerDirectory: place.path },
        ...{ clock: systemClock, log: silentLog },
      },
      driver,
    );
  /** A process in a directory of a gateway, or of a way outside, that says it is that one. */
  async function pretend(kind: "gateways" | "exits") {
    const directory = join(place.path, "node", "network", kind, "a".repeat(32));
    await mkdir(directory, { recursive: true });
    const child = spawn("sleep", ["1000"], { cwd: directory, stdio: "ignore" });
    await writeFile(join(directory, "pid"), `${child.pid}\n`);
    return { directory, child, ended: once(child, "exit") };
  }
  async function writeState(hostId: string, number: number): Promise<string> {
    const directory = join(place.path, "switch", hostId);
    await mkdir(directory, { recursive: true });
    const path = join(directory, "state.json");
    await writeFile(path, JSON.stringify({ networking: null, plugs: [plug(number)] }));
    return path;
  }

  it("ends with the next driver: gateways, ways outside and plugs in the switch; those of other nodes stay", async () => {
    const [gateway, exit] = [await pretend("gateways"), await pretend("exits")];
    const [own, others] = [await writeState("own", 1), await writeState("other", 2)];
    await end("bridge");
    await Promise.all([gateway.ended, exit.ended]);
    expect([gateway.directory, exit.directory, own].map(existsSync)).to.deep.equal([false, false, false]);
    expect((await readSwitchState(others)).state.plugs).to.have.length(1);
    await end(null);
    expect((await readSwitchState(others)).state.plugs).to.have.length(1);
  });

  it("stays with the driver user, but for gateways and ways outside where the agent is root by now", async () => {
    const [gateway, exit] = [await pretend("gateways"), await pretend("exits")];
    const own = await writeState("own", 1);
    await end("user");
    expect((await readSwitchState(own)).state.plugs).to.have.length(1);
    for (const { directory, child, ended } of [gateway, exit]) {
      expect(existsSync(directory)).to.equal(canPublish());
      child.kill("SIGKILL");
      await ended;
    }
  });

  it("is nothing where the driver never was", async () => {
    await end("bridge");
    expect(existsSync(join(place.path, "switch"))).to.equal(false);
  });
});
