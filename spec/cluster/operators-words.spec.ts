/** No tenant reads the texts that operators write for each other (I12). */
import { expect } from "chai";
import { refused, until } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

const secret = "SEC-7: somebody mines there";
const small = { flavor: "tiny", image: "tiny" };

describe("the reason why a host is disabled", () => {
  it("is told to operators who ask, and to nobody else, however and whenever they ask", async () => {
    const world = await controllerWorld();
    try {
      const first = await world.host("a");
      const { instance } = await world.demo.instance.create({ name: "web", ...small, wait: true });
      await world.host("b");
      for (const host of ["a", "b"]) await world.admin.host.disable(host, { reason: secret });
      const denied = await refused(world.demo.instance.create({ name: "more", ...small }));
      expect(denied.message).to.contain("the host is disabled");
      first.silent = true;
      await world.admin.host.fence("a", { confirm: "host-a", reason: "It burnt.", force: true });
      const { id } = instance;
      await until(
        () => world.demo.instance.get(id, {}),
        (now) => now.instance.failure?.reason === "noValidHost",
      );
      const heard = [
        denied.toBody(),
        await world.demo.instance.get(id, {}),
        await world.demo.instance.explain(id, {}),
        await world.demo.instance.explainCreate({ name: "more", ...small }),
        await world.demo.operation.list({ instanceId: id }),
        await world.demo.event.list({ after: 0, limit: 1_000 }),
      ];
      for (const one of heard) expect(JSON.stringify(one)).to.not.contain("SEC-7");
      const asked = [
        await world.admin.instance.explain(id, {}),
        await world.admin.instance.explainCreate({ name: "more", ...small }),
      ];
      for (const { hosts } of asked)
        expect(hosts.map(({ filters }) => filters.enabled)).to.deep.equal([
          `the host is disabled: ${secret}`,
          `the host is disabled: ${secret}`,
        ]);
    } finally {
      await world.stop();
    }
  }).timeout(30_000);
});
