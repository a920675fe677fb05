/**
 * An agent with one guest, to be killed: `plugging-agent.ts GIVEN`, in JSON. `start`: starts the guest, and
 * ends itself before the guest's first instruction. `plug`: attaches and detaches its volume for ever, and
 * says so.
 */
import type { GuestVolume } from "../../actors/ports/hypervisor.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { qemuHost } from "./qemu-host.ts";

export interface PluggingAgent {
  readonly act: "start" | "plug";
  readonly stateDirectory: string;
  readonly imageStore: string;
  readonly spec: MachineSpec;
  readonly volume: GuestVolume;
}

const { act, spec, volume, ...host }: PluggingAgent = JSON.parse(process.argv[2] ?? "");
const never = new AbortController().signal;
const { disks, hypervisor } = qemuHost(host);
if (act === "start") {
  const plugged = async () => process.exit(1);
  await hypervisor.start(spec, { ...(await disks.ensure(spec, never)), volumes: [volume], plugged }, never);
}
await hypervisor.list();
for (;;) {
  await hypervisor.attachVolume?.(spec, volume, never);
  process.stdout.write("attached\n");
  await hypervisor.detachVolume?.(spec, volume, {}, never);
  process.stdout.write("detached\n");
}
