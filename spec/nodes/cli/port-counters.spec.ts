/** `novact port counters` and the ports in `instance show`, as people and scripts read them. */
import { expect } from "chai";
import type { HostDrivers } from "../../../protocol/host-drivers.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: "user", volumes: null },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  },
};

describe("novact port counters", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let novact: ReturnType<typeof commandOn>;
  let portId: string;
  beforeEach(async () => {
    world = await controllerWorld();
    const host = await world.host("a", { drivers });
    novact = commandOn(connectOn(world.bus, "test").connect);
    await novact("network create lan");
    await novact("subnet create v4 --network lan --cidr 10.0.0.0/24");
    await novact("instance create web --flavor tiny --image tiny --network lan --wait");
    await novact("port create spare --network lan");
    const { instances } = await world.demo.instance.list({ name: "web" });
    portId = instances[0]?.interfaces?.[0]?.portId ?? "none";
    host.traffic = [
      {
        ...{ portId, agoMs: 0 },
        ingress: { packets: 12_345, bytes: 4_096, dropped: { rule: null, limit: 7, other: 0 } },
        egress: { packets: 6, bytes: 512, dropped: { rule: 1, limit: null, forged: 2, other: 0 } },
      },
    ];
  });
  afterEach(() => world.stop());

  it("shows both ways, a dash for what nobody counts, and why nobody knows, in 100 columns", async () => {
    const { exit, out, err } = await novact(`port counters ${portId} spare`, {
      nowMs: () => 0,
      tty: true,
      env: { NO_COLOR: "1" },
    });
    expect(exit).to.equal(0);
    const cells = out.split("\n").map((line) => line.trim().split(/\s{2,}/));
    expect(cells[0]?.slice(1)).to.deep.equal([
      "WAY",
      "PACKETS",
      "SIZE",
      "BY RULE",
      "BY LIMIT",
      "FORGED",
      "OTHERS",
      "AGE",
    ]);
    expect(cells[1]?.slice(1)).to.deep.equal(["in", "12345", "4 KiB", "-", "7", "-", "0", "0s"]);
    expect(cells[2]?.slice(1)).to.deep.equal(["out", "6", "512 B", "1", "-", "2", "0", "0s"]);
    expect(cells[3]).to.deep.equal(["spare", "in", "-", "-", "-", "-", "-", "-", "-"]);
    for (const line of out.split("\n")) expect(line.length).to.be.at.most(100);
    expect(err).to.contain("spare: Nothing is plugged in.");
  });

  it("is one object of JSON for one port, and a list for several", async () => {
    const one = JSON.parse((await novact(`port counters ${portId} --json`)).out);
    expect(one).to.deep.include({ portId, hostName: "host-a" });
    expect(one.ingress.dropped).to.deep.equal({ rule: null, limit: 7, other: 0 });
    const both = JSON.parse((await novact(`port counters ${portId} spare --json`)).out);
    expect(both.map(({ ingress }: { ingress: unknown }) => ingress === null)).to.deep.equal([false, true]);
  });

  it("ends with an error where there is no such port", async () => {
    const { exit, err } = await novact("port counters nobody");
    expect(exit).to.equal(3);
    expect(err).to.contain("nobody");
  });

  it("goes beside the status of each port in instance show", async () => {
    const { out } = await novact("instance show web");
    expect(out).to.match(/^port 0 +error: The host host-a has no network\.$/m);
  });
});
