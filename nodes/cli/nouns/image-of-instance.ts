/**
 * novact image create --instance: an image of an instance's root disk, while its guest runs or is stopped. It
 * says what the image has nothing of.
 */
import type { Image } from "../../../protocol/image.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import { exitCodeOf, exitCodes } from "../../package/exit-codes.ts";
import { waitForAll } from "../progress.ts";
import { repeatable } from "../repeatable.ts";
import { instanceId } from "../resolve.ts";
import type { Run } from "../run.ts";
import type { Session } from "../session.ts";
import type { Waiting } from "./volume-attachment.ts";

/** Options of a file, and what such an image has from the one that its instance was made of. */
export const notOfInstances = [
  ...["file", "format", "packing", "visibility", "protect"],
  ...["architecture", "memoryMin", "diskMin", "hypervisor", "property"],
];

interface Asked extends Waiting {
  readonly name: string;
  readonly instance: string;
  readonly print: (run: Run, image: Image) => Promise<void>;
}

export async function imageOfInstance(
  run: Run,
  session: Session,
  { name, instance, wait = false, requestId, print }: Asked,
): Promise<number> {
  const id = await instanceId(run, session, instance);
  const again = { line: "the same command with", requestId: requestId ?? session.newRequestId() };
  const made = await repeatable(again, (request) =>
    session.instance.createImage(id, { name }, run.call({ requestId: request })),
  );
  const { image, operation, volumesLeftOut } = made;
  if (volumesLeftOut.length > 0)
    run.remark(`It is of the root disk alone: ${counted(volumesLeftOut.length, "volume")} left out.`);
  if (!wait) {
    run.remark(`It is being made: novact operation show ${operation.id} --wait`);
    await print(run, image);
    return 0;
  }
  const [ended = operation] = await waitForAll(run, session, [{ operation, name }]);
  await print(run, (await session.image.get(image.id, {}, run.call())).image);
  if (ended.state === "done") return 0;
  if (ended.error === null) return exitCodes.conflict.exit;
  run.tell(ended.error);
  return exitCodeOf(ended.error.code);
}
