/**
 * JetStream on a full disk: the server switches JetStream off for good; when there is room again, the server
 * is started anew, and only then. Real NATS on a small file system in memory.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { connectNats } from "../../nodes/bus/nats.ts";
import { controllerUser } from "../../nodes/bus/users.ts";
import { connectionOf, loadConfig, statePaths } from "../../nodes/config/config.ts";
import { createEventStream } from "../../nodes/events/stream.ts";
import { mendStream } from "../../nodes/up/mend-stream.ts";
import { findNatsServer, startNatsServer } from "../../nodes/up/nats-server.ts";
import type { Event } from "../../protocol/event.ts";
import { silentLog } from "../support/driver-world.ts";
import { skip } from "../support/services.ts";
import { mountSmall } from "../support/small-file-system.ts";

const eventsMax = 2_000;
const event = (sequence: number): Event => ({
  ...{ sequence, atMs: 1, project: "demo", noun: "instance", id: "i1", event: "placed" },
  body: { text: "x".repeat(8_192) },
});

describe("JetStream on a full disk", function () {
  this.timeout(120_000);

  it("is off until the server is started anew, which happens once there is room", async function () {
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    const disk = mountSmall(this, 8);
    const file = join(disk.path, "cluster.yaml");
    writeFileSync(file, "stateDirectory: state\nnodes: [{ name: f-1, hypervisor: fake }]\n");
    const config = loadConfig(file);
    const { nats: directory } = statePaths(config);
    const access = { cell: config.cell, hosts: [], projects: ["demo"], anonymous: "demo" };
    const logFile = join(disk.path, "nats.log");
    const start = () => startNatsServer({ directory, port: 0, logFile, access, diesWithUs: true });
    let server = await start();
    const said: string[] = [];
    const mend = () => mendStream({ config, nats: server, say: (text) => said.push(text), log: silentLog });
    const publishing = async (from: number, count: number) => {
      const bus = await connectNats({
        ...connectionOf(config, controllerUser),
        name: "spec",
        log: silentLog,
      });
      try {
        const stream = createEventStream({ bus, cell: config.cell });
        let last = await stream.lastSequence();
        for (let sequence = from; sequence < from + count; sequence += 1)
          last = (await stream.publish([event(sequence)])) ?? 0;
        return last;
      } finally {
        await bus.close();
      }
    };
    try {
      expect(await publishing(1, 3)).to.equal(3);
      await mend();
      expect(said, "a server that is well is left alone").to.deep.equal([]);
      disk.fill();
      const refused = await publishing(4, eventsMax).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(Error);
      disk.free();
      await mend();
      expect(said).to.deep.equal(["JetStream was switched off by the full disk: NATS is started anew"]);
      await server.ended;
      server = await start();
      const last = await publishing(0, 0);
      expect(last, "what was taken is there").to.be.at.least(3);
      expect(await publishing(last + 1, 1)).to.equal(last + 1);
    } finally {
      await server.stop();
      disk.remove();
    }
  });
});
