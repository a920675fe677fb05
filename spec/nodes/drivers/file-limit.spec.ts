/** The largest file that a living process may write: raised, never lowered. With a real process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { allowFileBytes, canRaiseLimits, limitIn } from "../../../nodes/drivers/qemu/file-limit.ts";
import { skip } from "../../support/services.ts";

const gib = 1024 ** 3;

describe("the largest file of a guest's process", () => {
  it("is read as the kernel says it", () => {
    expect(limitIn("Max file size             1024                 2048                 bytes\n")).to.equal(
      2_048,
    );
    expect(limitIn("Max file size             unlimited            unlimited            bytes\n")).to.equal(
      Number.POSITIVE_INFINITY,
    );
  });

  it("is raised before a larger volume comes, and never lowered", async function () {
    if (!canRaiseLimits()) skip(this, "this process may not raise limits (CAP_SYS_RESOURCE)");
    const child = spawn("prlimit", [`--fsize=${gib}:${gib}`, "sleep", "60"], { stdio: "ignore" });
    await once(child, "spawn");
    const pid = child.pid ?? 0;
    const limit = () => limitIn(readFileSync(`/proc/${pid}/limits`, "utf8"));
    try {
      for (let tries = 0; limit() !== gib && tries < 100; tries += 1)
        await new Promise((go) => setTimeout(go, 20));
      await allowFileBytes(pid, 3 * gib);
      expect(limit()).to.equal(3 * gib);
      await allowFileBytes(pid, 2 * gib);
      expect(limit()).to.equal(3 * gib);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
