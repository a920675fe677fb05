/**
 * Writes a file to an upload in a process of its own, and says after each chunk how far it came: for whoever
 * kills it. `node dying-upload.ts DIRECTORY UPLOAD FILE`.
 */
import { readFile } from "node:fs/promises";
import { FileUploads } from "../../nodes/drivers/images/uploads/uploads.ts";

const [directory = "", uploadId = "", file = ""] = process.argv.slice(2);
const uploads = new FileUploads({ directory, nowMs: () => Date.now(), freeBytesMin: 0 });
const content = await readFile(file);
const { nextOffset } = (await uploads.status(uploadId)) ?? { nextOffset: 0 };
process.stdout.write(`${nextOffset}\n`);
for (let at = nextOffset; at < content.length; ) {
  const status = await uploads.write(uploadId, at, content.subarray(at, at + 40_000));
  at = status.nextOffset;
  process.stdout.write(`${at}\n`);
}
