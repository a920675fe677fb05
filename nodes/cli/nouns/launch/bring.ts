/**
 * Brings the file of an image into the cluster, for the project alone. Files of this computer go by the
 * directory that its controller takes files from, as an operator's do.
 */
import { constants } from "node:fs";
import { chmod, copyFile, mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Image } from "../../../../protocol/image.ts";
import type { Entry } from "../../../catalogue/entry.ts";
import { CommandError } from "../../errors.ts";
import { commandLimits } from "../../limits.ts";
import type { Run } from "../../run.ts";
import type { Session } from "../../session.ts";

export interface Bringing {
  readonly file: string;
  readonly sha256: string | undefined;
  /** True: the file goes when the cluster has it. */
  readonly isPassing: boolean;
  readonly entry: Pick<Entry, "name" | "format" | "architecture" | "login">;
  /** The directory that a controller takes files from; undefined: no cluster is configured here. */
  readonly imports: string | undefined;
}

/** @throws CommandError, StatusError */
export async function bringImage(run: Run, session: Session, bringing: Bringing): Promise<Image> {
  const { file, sha256, isPassing, entry, imports } = bringing;
  if (imports === undefined)
    throw new CommandError(
      "usage",
      `There is no cluster on this computer that takes the file ${file}.`,
      "Make an image of it where the cluster is: novact image register.",
    );
  const path = join(imports, `launch-${process.pid}-${basename(file)}`);
  try {
    await mkdir(imports, { recursive: true, mode: 0o755 });
    // A copy: files with several names are refused.
    await copyFile(file, path, constants.COPYFILE_FICLONE);
    // The controller may be another user's.
    await chmod(path, 0o644);
    const admin = await run.adminSession();
    const { image } = await admin.image.register(
      {
        name: entry.name,
        disk: { path, format: entry.format, ...(sha256 === undefined ? {} : { sha256 }) },
        properties: propertiesOf(entry),
        ...{ project: session.project, visibility: "private" },
      },
      run.call({ atLeastMs: commandLimits.registerTimeoutMs }),
    );
    if (isPassing) await rm(file, { force: true });
    return image;
  } finally {
    await rm(path, { force: true });
  }
}

/** A cloud image does not say what it needs; its user is told as Glance has it. */
const propertiesOf = ({ architecture, login }: Bringing["entry"]) => ({
  ...{ architecture, memoryMibMin: commandLimits.cloudImageMemoryMib },
  ...(login === null ? {} : { extra: { os_admin_user: login } }),
});
