/** One process of the crash matrix: runs its part, and tells the one that started it. */
import { type Part, runPart } from "./crash-matrix-jobs.ts";

const part: Part = JSON.parse(process.argv[2] ?? "{}");
const rows = await runPart(part, (cells) => process.send?.({ cells }));
process.send?.({ rows }, () => process.disconnect());
