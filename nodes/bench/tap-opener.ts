/** A hypervisor without a guest, which has a tap open as a guest's would have, for benchmarks and specs. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Tap } from "../../actors/ports/network.ts";
import { guestUser } from "../drivers/guest-user.ts";

/** Resolves when the tap is open, by the user of the instance's guest. @throws Error when it ended before */
export async function openTap(device: Tap, instanceId: string): Promise<ChildProcess> {
  const { uid = 0, gid = 0 } = guestUser(instanceId) ?? {};
  const backend = { type: "tap", id: "net0", ifname: device.name, script: "no", downscript: "no" };
  const child = spawn(
    "nsenter",
    [
      ...[`--net=${device.namespace}`, "setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"],
      ...["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"],
      "--pdeathsig=KILL",
      ...["qemu-system-x86_64", "-machine", "none", "-nodefaults", "-display", "none", "-S"],
      ...["-netdev", JSON.stringify(backend), "-monitor", "stdio"],
    ],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  // The prompt comes when all backends are open.
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The hypervisor ended with ${code}.`)));
  });
  child.stdout?.resume();
  return child;
}

/** Kills a child; resolves when it is gone. */
export const killed = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
