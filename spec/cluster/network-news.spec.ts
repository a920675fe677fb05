/** Hosts hear at once of what a controller has changed of their networks, also from the only controller. */
import { expect } from "chai";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import { until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

const drivers: HostDrivers = {
  ...{ hypervisor: "fake", disks: "fake", network: "user", volumes: null },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  },
};

describe("news of networks", () => {
  for (const controllers of [1, 2])
    it(`come from the one that has committed, of ${controllers}`, async () => {
      const world = await controllerWorld({ controllers });
      try {
        const host = await world.host("a", { drivers });
        const { network } = await world.demo.network.create({ name: "lan" });
        await world.demo.subnet.create({ name: "s", network: network.id, cidr: "10.0.0.0/24" });
        const networks = [{ network: network.id }];
        await world.demo.instance.create({ name: "vm", flavor: "tiny", image: "tiny", networks, wait: true });
        await host.pull();
        const before = host.news;
        const { securityGroupRules } = await world.demo.securityGroupRule.list({});
        await world.demo.securityGroupRule.delete(securityGroupRules[0]?.id ?? "", {});
        await until(
          async () => host.news,
          (news) => news > before,
        );
        expect(host.news).to.be.greaterThan(before);
      } finally {
        await world.stop();
      }
    });

  it("tell of routers, and both hosts of a floating address that is led elsewhere", async () => {
    const world = await controllerWorld({ controllers: 2 });
    try {
      const hosts = [await world.host("a", { drivers }), await world.host("b", { drivers })];
      const { admin, demo } = world;
      await admin.network.create({ name: "public", external: true, physicalNetwork: "public" });
      await admin.subnet.create({ name: "s", network: "public", cidr: "192.0.2.0/24" });
      await demo.network.create({ name: "lan" });
      await demo.subnet.create({ name: "inner", network: "lan", cidr: "10.0.0.0/24" });
      const ports: string[] = [];
      for (const [name, other] of [
        ["a", "b"],
        ["b", "a"],
      ] as const) {
        await admin.host.disable(other, { reason: "the guest is to be elsewhere" });
        await admin.host.enable(name, {});
        const networks = [{ network: "lan" }];
        const made = await demo.instance.create({
          name,
          flavor: "tiny",
          image: "tiny",
          networks,
          wait: true,
        });
        expect(made.instance.hostName).to.equal(`host-${name}`);
        ports.push(made.instance.interfaces?.[0]?.portId ?? "");
      }
      /** Both pull, and hear of it. */
      const heard = async (change: () => Promise<unknown>) => {
        for (const host of hosts) await host.pull();
        const before = hosts.map(({ news }) => news);
        await change();
        for (const [index, host] of hosts.entries())
          await until(
            async () => host.news,
            (news) => news > (before[index] ?? 0),
          );
      };
      await demo.router.create({ name: "way", externalNetwork: "public" });
      await heard(() => demo.router.addInterface("way", { subnet: "inner" }));
      await heard(() => demo.router.set("way", { snat: false }));
      const [a = "", b = ""] = ports;
      const { floatingIp } = await demo.floatingIp.create({ network: "public", target: { port: a } });
      await heard(() => demo.floatingIp.set(floatingIp.id, { target: { port: b } }));
    } finally {
      await world.stop();
    }
  });
});
