/** What the config drive is on its host: a file that QEMU only reads. Its device is a part of line/. Pure. */
import { backends } from "./line/seen.ts";

/** `file`: relative to the guest's directory. */
export function configDrive(file: string): readonly string[] {
  // The format is named: nobody probes the bytes of user data.
  const drive = {
    driver: "raw",
    "node-name": backends.config,
    "read-only": true,
    file: { driver: "file", filename: file, "read-only": true, locking: "on" },
  };
  return ["-blockdev", JSON.stringify(drive)];
}
