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
});
