/** Gateways as they are kept: nobody is let in before the switch is connected, and it is said why. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { GatewayKeeper } from "../../../nodes/drivers/user-network/gateway-keeper.ts";
import { findGateway } from "../../../nodes/drivers/user-network/gateway-process.ts";
import type { Gateway } from "../../../nodes/drivers/user-network/gateways.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { until } from "../../support/asking.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";
import { silentLog } from "../../support/silent-log.ts";

const gateway: Gateway = {
  ...{ id: "gateway", networkId: "network", address: "10.9.0.1", mac: "52:55:0a:09:00:01" },
  forwards: [
    {
      ...{ id: "published", hostAddress: "127.0.0.1", hostPort: 8_022, portId: "port" },
      ...{ address: "10.9.0.5", port: 22 },
    },
  ],
};
const program = resolve(import.meta.dirname, "../../support/fake-gateway.ts");

describe("A gateway that is kept", function () {
  this.timeout(60_000);
  let place: TemporaryDirectory;
  let keeper: GatewayKeeper;
  beforeEach(async () => {
    place = await temporaryDirectory();
    const emulator = join(place.path, "emulator");
    await writeFile(emulator, `#!/bin/sh\nexec '${process.execPath}' '${program}'\n`, { mode: 0o755 });
    const directory = join(place.path, "gateways");
    keeper = new GatewayKeeper({ directory, emulator, clock: systemClock }, silentLog);
  });
  afterEach(async () => {
    await keeper.detach(true);
    await place.remove();
  });

  const reasons = () => keeper.unpublished.map(({ why }) => why);
  const untilReasons = (wanted: readonly string[]) =>
    until(
      async () => reasons(),
      (said) => said.join() === wanted.join(),
      2_000,
    );
  const pid = () => findGateway(join(place.path, "gateways", gateway.id));

  it("has no port open before the switch is connected, and says so", async () => {
    keeper.want({ gateways: [gateway], unpublished: [] });
    expect(reasons()).to.deep.equal(["The gateway of the subnet has not begun."]);
    const waiting = "The host's switch is not connected to the gateway of the subnet.";
    await untilReasons([waiting]);
    const first = pid();
    expect(first).to.be.a("number");
    const ours = connect(keeper.socketOf(gateway.id));
    await once(ours, "connect");
    await untilReasons([]);
    ours.destroy();
    expect(pid(), "the gateway that was there at first").to.equal(first);
  });
});
