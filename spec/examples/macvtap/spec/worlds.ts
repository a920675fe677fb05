/**
 * Worlds for the contracts: a host whose kernel only pretends, so that they run everywhere, and the kernel of
 * this computer where it can be (`linuxWorld`). `npx novact plugin check` finds the first of them here.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DriverWorlds } from "novact/contract";
import type { Clock, Log } from "novact/plugin";
import type { Kernel } from "../src/kernel.ts";
import { MacvtapNetwork } from "../src/network.ts";
import { PictureFile } from "../src/picture-file.ts";
import { FakeKernel } from "./fake-kernel.ts";

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** The clock that an agent gives its drivers. */
const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

export const physicalNetwork = "provider";

/** A host on one physical network, and its agent, which dies without a word when it is restarted. */
export async function makeHost(kernel: Kernel, { device = "eth1", hostId = "host", log = silentLog } = {}) {
  const home = await mkdtemp(join(tmpdir(), "novact-macvtap-"));
  const options = { devices: { [physicalNetwork]: device } };
  const open = () =>
    new MacvtapNetwork({
      ...{ hostId, options, kernel, clock, log },
      ...{ picture: new PictureFile(home, log), lack: () => undefined },
    });
  let network = open();
  return {
    home,
    get network() {
      return network;
    },
    restartAgent: async () => {
      await network.detach();
      network = open();
      return network;
    },
    damagePicture: () => writeFile(join(home, "picture.json"), "{"),
    close: async () => {
      await network.detach();
      await rm(home, { recursive: true });
    },
  };
}

const worlds: DriverWorlds = {
  networks: {
    macvtap: {
      ...{ name: "macvtap", physicalNetwork, timeoutMs: 10_000 },
      makeBench: async () => {
        const kernel = new FakeKernel();
        const host = await makeHost(kernel);
        return {
          ...host,
          network: host.network,
          openDevice: async (device) => {
            if (device.kind === "macvtap") kernel.opened.add(device.path);
          },
        };
      },
    },
  },
};

export default worlds;
