/** What a process of ours does with descriptors that it was started with. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

const program = join(import.meta.dirname, "../../../nodes/process/inherited.ts");
const script = `
  import { spawnSync } from "node:child_process";
  import { closeInherited } from ${JSON.stringify(program)};
  if (process.argv[1] === "close") closeInherited();
  const { stdout } = spawnSync("ls", ["/proc/self/fd"]);
  process.stdout.write(stdout);
`;

/** The descriptors of a child of a process that was started with descriptor 40. */
async function descriptorsOfChild(word: string): Promise<readonly number[]> {
  const given = openSync("/dev/null", "r");
  try {
    const more = Array.from({ length: 40 - 3 }, () => "ignore" as const);
    const argv = ["--input-type=module", "--eval", script, word];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "ignore", ...more, given] });
    let text = "";
    child.stdio[1]?.on("data", (chunk) => {
      text += String(chunk);
    });
    await new Promise((resolve) => child.once("close", resolve));
    return text.trim().split("\n").map(Number);
  } finally {
    closeSync(given);
  }
}

describe("inherited descriptors", () => {
  it("go on to children unless they are closed", async () => {
    expect(await descriptorsOfChild("leave")).to.include(40);
    const closed = await descriptorsOfChild("close");
    expect(closed).to.include.members([0, 1, 2]);
    expect(closed).to.not.include(40);
  }).timeout(20_000);
});
