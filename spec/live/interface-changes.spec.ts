/**
 * Interfaces that come to a running guest and leave it, in a whole cluster: PostgreSQL, NATS, a controller,
 * and a compute node as a process of its own with QEMU and the driver `user`, or `bridge`. What the guest
 * says on its console is what is believed. Needs all of these, and the tiny guest that the set-up builds;
 * root and Linux's tools for the driver `bridge` alone.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { connect, type Novact } from "../../nodes/sdk/sdk.ts";
import type { NodeProcess } from "../../nodes/up/node-process.ts";
import type { Instance } from "../../protocol/instance.ts";
import { missingForBridges } from "../support/bridge-host.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";
import { offerTiny, startAgentOf } from "../support/tiny-node.ts";

const node = "node-1";
const [own, peer] = ["10.9.1.11", "10.9.1.12"];

/** Asks for an address on each interface that comes, says which one is gone, and pings. */
const watching = `#!/bin/sh
while :; do
  for path in /sys/class/net/eth*; do
    card=\${path##*/}
    [ -e "$path" ] || continue
    [ -e "/run/udhcpc.$card.log" ] && continue
    ip link set "$card" up
    udhcpc -i "$card" -b -t 8 -T 1 -A 2 -O mtu -O staticroutes -s /usr/share/udhcpc/default.script \\
      >"/run/udhcpc.$card.log" 2>&1 &
  done
  for log in /run/udhcpc.*.log; do
    card=\${log#/run/udhcpc.}
    card=\${card%.log}
    [ -e "/sys/class/net/$card" ] && continue
    rm -f "$log"
    echo "NOVACT-GUEST GONE $card"
  done
  ping -c 1 -W 1 ${peer} >/dev/null 2>&1 && echo "NOVACT-GUEST PING answers"
  usleep 200000
done
`;

const drivers = [
  ["user", missingForGuests],
  ["bridge", () => missingForGuests() ?? missingForBridges()],
] as const;

for (const [driver, lack] of drivers)
  describe(`interfaces of running guests of the driver ${driver}`, function () {
    this.timeout(240_000);
    let cluster: LiveCluster;
    let agent: NodeProcess;
    let file = "";
    let demo: Novact;
    let instance: Instance;
    /** On no network. */
    let lonely: Instance;

    const startAgent = async () => {
      agent = await startAgentOf(node, file);
    };
    before(async function () {
      const [missing, guest] = [lack(), guestOfSetup()];
      if (missing !== undefined || guest === undefined) return skip(this, missing ?? "no guest was built");
      cluster = await startLiveCluster(this, undefined, {
        nodes: [{ name: node, accelerator: "tcg", network: driver }],
        imageSources: guest.directory,
        start: (path) => {
          file = path;
          return startAgent();
        },
      });
      const { url, cell, admin } = cluster;
      demo = await connect({ url, cell, project: "demo" });
      await offerTiny(admin, guest);
      for (const [name, cidr] of [
        ["one", "10.9.0.0/24"],
        ["two", "10.9.1.0/24"],
      ] as const) {
        await demo.network.create({ name });
        await demo.subnet.create({ name, network: name, cidr });
      }
      const about = {
        ...{ flavor: "tiny", image: "tiny", wait: true },
        userData: Buffer.from(watching).toString("base64"),
      };
      const make = async (name: string, network: object) =>
        (await demo.instance.create({ ...about, name, networks: [network] })).instance;
      await make("peer", { network: "two", address: peer });
      instance = await make("vm", { network: "one" });
      lonely = (await demo.instance.create({ ...about, name: "lonely", networks: "none" })).instance;
    });
    after(async () => {
      await demo?.close();
      await agent?.shutdown({ guests: true, patienceMs: 0 });
      await cluster?.stop();
    });

    const said = async (pattern: RegExp, of = instance): Promise<number> => {
      const { text } = await demo.instance.console(of.id, { tailLines: 4_000 });
      return [...text.matchAll(pattern)].length;
    };
    const until = async (what: string, met: () => Promise<boolean>) => {
      const deadlineMs = performance.now() + 100_000;
      while (!(await met())) {
        if (performance.now() > deadlineMs) throw new Error(`It took too long: ${what}.`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const addressed = new RegExp(
      `NOVACT-GUEST NET eth1 ${own}/24 mtu \\d+ server 169\\.254\\.169\\.254`,
      "g",
    );
    const answered = /NOVACT-GUEST PING answers/g;
    /** The guest has its address of the second network once more, and reaches its peer there. */
    const onBoth = async (change: () => Promise<unknown>) => {
      const [addresses, answers] = [await said(addressed), await said(answered)];
      await change();
      await until("its address on eth1", async () => (await said(addressed)) > addresses);
      await until("an answer of its peer", async () => (await said(answered)) > answers);
    };
    const attach = async () => {
      const { operation } = await demo.instance.interfaceAttach(instance.id, {
        ...{ network: "two", address: own, wait: true },
      });
      expect([operation.state, operation.error]).to.deep.equal(["done", null]);
    };
    const portsOfHost = () =>
      readdirSync(join(cluster.state(node), "network/ports")).filter((name) => /^[^.]+\.json$/.test(name));

    it("come with an address that the guest is told, and reach their network", async () => {
      await until("the guest is up", async () => (await said(/NOVACT-GUEST READY/g)) > 0);
      await onBoth(attach);
    });

    it("go, and their address is free as soon as that is done", async () => {
      const { operation, instance: after } = await demo.instance.interfaceDetach(instance.id, {
        ...{ port: own, wait: true },
      });
      expect([operation.state, after.interfaces?.length]).to.deep.equal(["done", 1]);
      await until("the guest has no eth1", async () => (await said(/NOVACT-GUEST GONE eth1/g)) > 0);
      expect(portsOfHost()).to.have.length(2);
      const { port } = await demo.port.create({ network: "two", addresses: [{ address: own }] });
      await demo.port.delete(port.id, {});
    });

    it("come again in their place, also while the agent is killed, and are there after a stop and a start", async () => {
      await onBoth(async () => {
        const { operation } = await demo.instance.interfaceAttach(instance.id, {
          network: "two",
          address: own,
        });
        agent.kill();
        await agent.ended;
        await startAgent();
        await until("the operation ends", async () => {
          const { state, error } = (await demo.operation.get(operation.id, {})).operation;
          if (state === "failed") throw new Error(`It failed: ${JSON.stringify(error)}`);
          return state === "done";
        });
      });
      await onBoth(async () => {
        await demo.instance.stop(instance.id, { mode: "hard", wait: true });
        await demo.instance.start(instance.id, { wait: true });
      });
    });

    it("come to a guest that was started on no network", async () => {
      const { operation } = await demo.instance.interfaceAttach(lonely.id, { network: "two", wait: true });
      expect([operation.state, operation.error]).to.deep.equal(["done", null]);
      await until("an answer of its peer", async () => (await said(answered, lonely)) > 0);
    });

    it("leave nothing when their instances are deleted", async () => {
      const { instances } = await demo.instance.list({});
      for (const { id } of instances) await demo.instance.delete(id, { wait: true });
      expect(portsOfHost()).to.deep.equal([]);
      expect((await demo.port.list({})).ports).to.deep.equal([]);
      const { findings } = await cluster.admin.doctor.examine({}, { timeoutMs: 20_000 });
      expect(findings).to.deep.equal([]);
    });
  });
