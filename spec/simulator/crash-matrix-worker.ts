/** A worker process of the crash matrix: runs its part, and sends the results to the parent process. */
import { type Part, runPart } from "./crash-matrix-jobs.ts";

const part: Part = JSON.parse(process.argv[2] ?? "{}");
const rows = await runPart(part, (squares) => process.send?.({ squares }));
process.send?.({ rows }, () => process.disconnect());
