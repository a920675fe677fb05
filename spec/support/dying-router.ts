/**
 * An agent's driver `bridge` that makes a router with a way outside, changes it and lets go of it, and is
 * killed before it starts a tool: `dying-router.ts STATE OUTSIDE STEP`, where OUTSIDE is the path of the
 * computer's namespace, with a device eth1. Ends well when it starts fewer tools than that.
 */
import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";

const [, , stateDirectory = "", outside = "", step = ""] = process.argv;
const never = new AbortController().signal;
const { spawn } = childProcess;
let left = Number(step);
childProcess.spawn = ((...given: Parameters<typeof spawn>) => {
  left -= 1;
  if (left === 0) process.kill(process.pid, "SIGKILL");
  return spawn(...given);
}) as typeof spawn;
syncBuiltinESMExports();

const { openBridge } = await import("./bridge-host.ts");
const pictures = await import("./routed-pictures.ts");
const guest = { number: 1, network: 1, address: "10.1.0.5" };
const interfaces = [pictures.interfaceAt(1, 1, "10.1.0.1"), pictures.interfaceAt(2, 2, "10.2.0.1")];
const world = (version: number, floating: readonly string[]) =>
  pictures.pictureOf({
    ...{ version, guests: [guest] },
    networks: [1, 2].map((number) => ({ number, cidrs: [`10.${number}.0.0/24`] })),
    routers: [
      pictures.routerPicture(1, {
        ...{ interfaces, outside: pictures.officeOf() },
        floating: floating.map((address) => pictures.floatingAt(address, guest)),
      }),
    ],
  });
const ways = { office: { device: "eth1", address: "203.0.113.7/24" } };
const { network } = openBridge({ stateDirectory, outside, ways });
const version = 5 * Number(step);
await network.apply(world(version, ["203.0.113.50"]), never);
await network.apply(world(version + 1, ["203.0.113.51"]), never);
await network.apply({ version: version + 2, groups: [], networks: [] }, never);
await network.detach(false);
process.exit(0);
