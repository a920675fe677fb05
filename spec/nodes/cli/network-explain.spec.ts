/** `novact network explain` as people and scripts read it: its steps, its end, and the exit code. */
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

describe("novact network explain", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let novact: ReturnType<typeof commandOn>;
  beforeEach(async () => {
    world = await controllerWorld();
    await world.host("a", { drivers });
    novact = commandOn(connectOn(world.bus, "test").connect);
    await novact("network create lan");
    await novact("subnet create v4 --network lan --cidr 10.0.0.0/24");
    for (const name of ["web", "db"])
      await novact(`instance create ${name} --flavor tiny --image tiny --network lan --wait`);
  });
  afterEach(() => world.stop());

  it("tells each step, and ends with 0 where nothing is known to stop it", async () => {
    const { exit, out } = await novact("network explain --from web --to db");
    expect(exit).to.equal(0);
    expect(out)
      .to.match(/^web \(10\.0\.0\.2\) to db \(10\.0\.0\.3\)$/m)
      .and.to.match(/^ {2}✓ network {2}Both are on the network lan\.$/m)
      .and.to.match(/^ {2}\? host {5}The host host-a says nothing of its network\.$/m)
      .and.to.match(/^Nothing is known to stop it from web to db, but: /m);
  });

  it("shows the command that would help, and ends with 10 where something stops it", async () => {
    const { securityGroupRules } = await world.demo.securityGroupRule.list({});
    for (const { id, direction } of securityGroupRules)
      if (direction === "ingress") await world.demo.securityGroupRule.delete(id, {});
    const { exit, out } = await novact("network explain --from web --to db --port 22", {
      command: "npx novact",
    });
    expect(exit).to.equal(10);
    expect(out)
      .to.match(
        /^ {2}✗ ingress {2}No ingress rule of the group default of db allows tcp 22 from 10\.0\.0\.2\.$/m,
      )
      .and.to.match(/^ {13}npx novact security-group-rule create default ingress --protocol tcp --port 22 /m);
    const json = await novact("network explain --from web --to db --protocol udp --port 53 --json");
    expect([json.exit, JSON.parse(json.out).passes]).to.deep.equal([10, false]);
  });

  it("refuses what is no question, in its own words", async () => {
    expect((await novact("network explain --from web")).err).to.match(/--to/);
    const lost = await novact("network explain --from web --to nobody");
    expect(lost.exit).to.equal(3);
    expect(lost.err).to.match(/^error: There is no instance nobody\./);
  });
});
