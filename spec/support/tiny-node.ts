/** What live specs of guests on networks share: the agent of their node, and the tiny guest of the set-up. */
import type { Novact } from "../../nodes/sdk/sdk.ts";
import type { GuestFiles } from "../../nodes/setup/guest/build.ts";
import { type NodeProcess, startNodeProcess } from "../../nodes/up/node-process.ts";

/** Starts the agent of the node by the configuration `file`. @throws Error when it ends before it serves */
export const startAgentOf = (name: string, file: string): Promise<NodeProcess> =>
  startNodeProcess({
    name,
    arguments: ["compute", "--name", name, "--config", file],
    nodeArguments: [],
    outputFile: `${file}.out`,
  });

/** A flavor and an image, both with the name `tiny`. */
export async function offerTiny(
  admin: Novact,
  { kernel, ramdisk, commandLine }: Pick<GuestFiles, "kernel" | "ramdisk" | "commandLine">,
): Promise<void> {
  await admin.flavor.create({ name: "tiny", vcpus: 1, memoryMib: 128, diskGib: 0 });
  await admin.image.register({
    ...{ name: "tiny", kernel: { path: kernel }, ramdisk: { path: ramdisk }, commandLine },
  });
}
