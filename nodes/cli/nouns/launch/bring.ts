/**
 * Brings the file of an image into the cluster, for the project alone, as anybody's: it goes on where an
 * earlier launch was broken off.
 */
import { rm } from "node:fs/promises";
import type { Image } from "../../../../protocol/image.ts";
import type { Entry } from "../../../catalogue/entry.ts";
import { commandLimits } from "../../limits.ts";
import type { Run } from "../../run.ts";
import type { Session } from "../../session.ts";
import { sendFile } from "../image-file.ts";

export interface Bringing {
  readonly file: string;
  /** True: the file goes when the cluster has it. */
  readonly isPassing: boolean;
  readonly entry: Pick<Entry, "name" | "format" | "architecture" | "login">;
}

/** @throws CommandError, StatusError */
export async function bringImage(run: Run, session: Session, bringing: Bringing): Promise<Image> {
  const { file, isPassing, entry } = bringing;
  const { name, format } = entry;
  const request = { name, visibility: "private", properties: propertiesOf(entry) } as const;
  const make = async () => (await session.image.create(request, run.call())).image;
  const image = await sendFile(run, session, { name, file, format, make });
  if (isPassing) await rm(file, { force: true });
  return image;
}

/** A cloud image does not say what it needs; its user is told as Glance has it. */
const propertiesOf = ({ architecture, login }: Bringing["entry"]) => ({
  ...{ architecture, memoryMibMin: commandLimits.cloudImageMemoryMib },
  ...(login === null ? {} : { extra: { os_admin_user: login } }),
});
