/** The refusal of an image file, by whatever looks at it. It must never quote what the file contains. */
import { StatusError } from "../../../protocol/wire/status.ts";

/** `why`: the rest of a sentence, without a full stop. `detail`: for the log only. */
export const unusable = (why: string, detail?: string): StatusError =>
  new StatusError(
    "unusableImage",
    `The image cannot be used: ${why}.`,
    detail === undefined ? {} : { detail },
  );
