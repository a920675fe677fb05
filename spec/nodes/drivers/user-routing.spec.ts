/** The contract of drivers that route, for the driver `user` with its real switch. No root, no QEMU. */
import { join } from "node:path";
import { UserNetwork } from "../../../nodes/drivers/user-network/network.ts";
import { PortFiles } from "../../../nodes/drivers/user-network/port-files.ts";
import { SwitchKeeper } from "../../../nodes/drivers/user-network/switch-keeper.ts";
import { switchPlace } from "../../../nodes/drivers/user-network/switch-process.ts";
import { programFile } from "../../../nodes/package/program-files.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { silentLog, temporaryDirectory } from "../../support/driver-world.ts";
import { FakeNic } from "../../support/fake-nic.ts";
import { routingContract } from "../../support/routing-contract.ts";

routingContract({
  name: "the network driver user",
  timeoutMs: 30_000,
  makeBench: async () => {
    const place = await temporaryDirectory();
    const stateDirectory = join(place.path, "state");
    const lives: UserNetwork[] = [];
    const cards: FakeNic[] = [];
    const open = () => {
      const files = new PortFiles(stateDirectory, silentLog);
      const program = programFile("switch/main");
      const of = { ...switchPlace(stateDirectory, "host"), program, clock: systemClock };
      const keeper = new SwitchKeeper(of, silentLog);
      const network = new UserNetwork({ files, keeper, hostId: "host", log: silentLog });
      lives.push(network);
      return network;
    };
    return {
      network: open(),
      plugCard: async (device) => {
        if (device.kind !== "stream") throw new Error("It is a stream.");
        const card = await FakeNic.listen(device.path);
        cards.push(card);
        return card;
      },
      restartAgent: async () => {
        await lives.at(-1)?.detach(false);
        return open();
      },
      close: async () => {
        for (const card of cards) await card.close();
        await lives.at(-1)?.detach(true);
        await place.remove();
      },
    };
  },
});
