/**
 * An agent's storage of volumes that makes, opens, extends, takes over and removes a volume, and is killed
 * before a call on files: `dying-volumes.ts DIRECTORY CALL`. Ends well, and says how many calls there were,
 * when it needs fewer than that.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [, , root = "", call = ""] = process.argv;
let made = 0;
const calls = [
  ...["mkdirSync", "openSync", "ftruncateSync", "truncateSync", "fsyncSync", "closeSync", "renameSync"],
  ...["rmSync", "rmdirSync", "readdirSync", "statSync", "chownSync"],
] as const;
type Call = (typeof calls)[number];
const counted = (name: Call): void => {
  const real = fs[name] as (...given: unknown[]) => unknown;
  Object.assign(fs, {
    [name]: (...given: unknown[]) => {
      made += 1;
      if (made === Number(call)) process.kill(process.pid, "SIGKILL");
      return real(...given);
    },
  });
};
const { VolumeDirectory } = await import("../../nodes/drivers/volumes/directory.ts");
for (const name of calls) counted(name);
syncBuiltinESMExports();

const volumes = new VolumeDirectory(root, 1);
const wanted = { volumeId: "v1", epoch: 1, sizeBytes: 1024 ** 2 };
const use = { instanceId: "instance-1", ownerEpoch: 1, takesOver: false, mode: "readWrite" } as const;
const begun = volumes.begin("one", wanted);
if (begun !== undefined) volumes.finish(begun.part, wanted);
volumes.open("v1", { ...use, epoch: 1 }, "host");
volumes.extend("v1", 1, 2 * 1024 ** 2);
volumes.open("v1", { ...use, epoch: 2, takesOver: true }, "host");
volumes.release("host", { instanceId: "instance-1", what: "volume v1 of epoch 2" });
volumes.remove("v1", 2);
process.stdout.write(String(made));
