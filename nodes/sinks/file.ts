/**
 * The sink `file`: each event is a line of JSON, on the disk before the delivery counts. A file at its bound
 * becomes PATH.1, and so on; the oldest is removed. A last line that a crash has cut off stays, as a line of
 * its own, and its event is written again.
 */
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import type { EventSink } from "../../actors/ports/event-sink.ts";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import type { SinkDriver } from "./kinds.ts";
import { sinkLimits } from "./limits.ts";

const options = Type.Object(
  {
    path: Type.String({
      minLength: 1,
      maxLength: fieldLimits.pathLengthMax,
      description: "the file that events are appended to; relative to cluster.yaml",
    }),
    sizeMaxMib: Type.Integer({
      default: sinkLimits.fileMib,
      minimum: 1,
      maximum: sinkLimits.fileMibMax,
      description: "the size in MiB at which the file is put aside and a new one begun",
    }),
    keep: Type.Integer({
      default: sinkLimits.filesKeptDefault,
      minimum: 0,
      maximum: sinkLimits.filesKeptMax,
      description: "how many files that were put aside are kept",
    }),
  },
  { additionalProperties: false },
);

export const fileSink: SinkDriver<typeof options> = {
  options,
  open: ({ directory }, given) => sinkAt({ ...given, path: resolve(directory, given.path) }),
};

function sinkAt({ path, sizeMaxMib, keep }: Static<typeof options>): EventSink {
  return {
    deliver: async (events) => {
      const text = events.map((event) => `${JSON.stringify(event)}\n`).join("");
      await mkdir(dirname(path), { recursive: true });
      let file = await open(path, "a+", 0o600);
      try {
        const { size } = await file.stat();
        if (size > 0 && size + text.length > sizeMaxMib * 1024 ** 2) {
          await file.close();
          await putAside(path, keep);
          file = await open(path, "a+", 0o600);
        }
        await file.appendFile((await endsInLine(file)) ? text : `\n${text}`);
        await file.datasync();
      } finally {
        await file.close();
      }
    },
  };
}

async function endsInLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString() === "\n";
}

async function putAside(path: string, keep: number): Promise<void> {
  const aside = (number: number) => (number === 0 ? path : `${path}.${number}`);
  await rm(aside(keep), { force: true });
  for (let number = keep - 1; number >= 0; number -= 1) await movedIfThere(aside(number), aside(number + 1));
}

async function movedIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
