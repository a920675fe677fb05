/** The options of `instance create` for a guest: key, user data, host name and config drive. */
import { closeSync, openSync, readSync } from "node:fs";
import { type Command, Option } from "commander";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import { CommandError } from "../errors.ts";

export interface GuestOptions {
  readonly key?: string;
  readonly userData?: string;
  readonly hostname?: string;
  readonly configDrive?: boolean;
}

export function withGuestOptions(command: Command): Command {
  return command
    .option("--key <key>", "the key pair that may log in, by name or id: novact key-pair list")
    .option(
      "--user-data <file>",
      "what the guest does at its first boot, a script or cloud-config, in a file",
    )
    .option("--hostname <name>", "the guest's name for itself (default: made of its name)")
    .addOption(new Option("--config-drive", "tell the guest by a drive (default: with a key or user data)"))
    .addOption(new Option("--no-config-drive", "give it no such drive"));
}

/** The fields of the request. @throws CommandError usage, when the file cannot be read or is too large */
export function guestFieldsOf({ key, userData, hostname, configDrive }: GuestOptions) {
  return {
    ...(key === undefined ? {} : { keyName: key }),
    ...(userData === undefined ? {} : { userData: userDataIn(userData).toString("base64") }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(configDrive === undefined ? {} : { configDrive }),
  };
}

/** Reads no more than may be sent, whatever the file is: it may be a pipe that never ends. */
function userDataIn(path: string): Buffer {
  const most = fieldLimits.userDataBytesMax;
  const bytes = Buffer.alloc(most + 1);
  let length = 0;
  try {
    const file = openSync(path, "r");
    try {
      for (let read = -1; read !== 0 && length <= most; length += read)
        read = readSync(file, bytes, length, bytes.length - length, null);
    } finally {
      closeSync(file);
    }
  } catch {
    throw new CommandError("usage", `The file ${path} cannot be read.`, "Name a file that is there.");
  }
  if (length <= most) return bytes.subarray(0, length);
  const next = "Let it fetch the rest from where the guest can reach it, or compress it.";
  throw new CommandError("usage", `The user data in ${path} has more than ${most} bytes.`, next);
}
