/** What the end of a tool in the cage says of the image, by value. */
import { expect } from "chai";
import { refusalOf, type ToolEnd, verdictOf } from "../../../../nodes/drivers/images/tool-end.ts";
import { runTool } from "../../../../nodes/drivers/tool.ts";

const exit = (exitCode: number, errors = ""): ToolEnd => ({
  ...{ exitCode, endSignal: null, isLate: false, errors },
});
const signal = (endSignal: NodeJS.Signals | null, errors = ""): ToolEnd => ({
  ...{ exitCode: null, endSignal, isLate: false, errors },
});

describe("The end of a tool that looks at an image", () => {
  const image: readonly (readonly [string, ToolEnd])[] = [
    ["an exit code", exit(1, "qemu-img: Could not open '/proc/self/fd/3': Image is corrupt")],
    ["an exit code without a word", exit(2)],
    ["a fault", signal("SIGSEGV")],
    ["a failed assertion", signal("SIGABRT", "qemu-img: block.c:1: assertion failed")],
    ["the bound of its processor time", signal("SIGXCPU")],
    ["the bound of its file", signal("SIGXFSZ")],
    ["the bound of its file, as an exit code", exit(1, "qemu-img: error while writing: File too large")],
    ["our own kill, when its time is over", { ...signal("SIGKILL"), isLate: true }],
  ];
  for (const [name, end] of image)
    it(`by ${name} is the image's`, () => {
      expect(verdictOf(end)).to.equal("image");
      expect(refusalOf(end, { why: "it is bad", doing: "Looking" })).to.include({
        ...{ reason: "unusableImage", message: "The image cannot be used: it is bad." },
      });
    });

  const cut: readonly (readonly [string, ToolEnd])[] = [
    ["a kill from outside", signal("SIGKILL")],
    ["a person", signal("SIGTERM")],
    ["no start", signal(null, "spawn unshare EAGAIN")],
    [
      "no memory for a stack",
      signal("SIGABRT", "failed to allocate memory for stack: Cannot allocate memory"),
    ],
    ["no memory, as an exit code", exit(1, "qemu-img: Could not open it: Cannot allocate memory")],
    ["no thread", signal("SIGABRT", "qemu: qemu_thread_create: Resource temporarily unavailable")],
    ["no such tool", exit(127, "env: 'zstd': No such file or directory")],
    ["a tool that cannot be run", exit(126)],
    ["a cage that was not built", exit(1, "prlimit: failed to set the AS resource limit")],
  ];
  for (const [name, end] of cut)
    it(`by ${name} says nothing of the image`, () => {
      expect(verdictOf(end)).to.equal("cut");
      const refusal = refusalOf(end, { why: "it is bad", doing: "Looking at an image" });
      expect(refusal).to.include({ reason: "toolFailed", code: "UNAVAILABLE" });
      expect(refusal.message).to.equal("Looking at an image was cut short: nothing was found wrong with it.");
    });

  it("by a full disk is neither's", () => {
    const end = exit(1, "qemu-img: error while writing: No space left on device");
    expect(verdictOf(end)).to.equal("full");
    expect(refusalOf(end, { why: "it is bad", doing: "Converting an image" })).to.include({
      ...{ reason: "diskFull", message: "Converting an image failed: no space is left in the image store." },
    });
  });

  it("with 0 is done, whatever it said", () => {
    expect(verdictOf(exit(0, "qemu-img: warning: Cannot allocate memory"))).to.equal("done");
  });

  it("tells the log how it ended and what it said, and nobody else", () => {
    const words = { why: "it is bad", doing: "Looking" };
    const killed = refusalOf(signal("SIGKILL", "as it said\n"), words);
    expect(killed.detail).to.equal("signal SIGKILL: as it said");
    expect(killed.message).not.to.include("as it said");
    expect(refusalOf(exit(1, "no"), words).detail).to.equal("exit code 1: no");
    const late = refusalOf({ ...signal("SIGKILL"), isLate: true }, words);
    expect(late.detail).to.equal("signal SIGKILL, out of time: ");
  });

  it("by our own kill is told apart from a kill by others", async () => {
    const ours = await runTool("sleep", ["600"], { timeoutMs: 50 });
    expect(ours).to.include({ exitCode: null, endSignal: "SIGKILL", isLate: true });
    const theirs = await runTool("sh", ["-c", "kill -KILL $$"], { timeoutMs: 600_000 });
    expect(theirs).to.include({ exitCode: null, endSignal: "SIGKILL", isLate: false });
  });
});
