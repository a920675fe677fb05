/** The guard's real process without guests: how it is found, started, reached and ended. */
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { guardLimits } from "../../../actors/node/guard/limits.ts";
import type { Guard } from "../../../actors/ports/guard.ts";
import { guardFiles, readStoredGuard } from "../../../nodes/drivers/guard-files.ts";
import { openGuard } from "../../../nodes/drivers/qemu/guard-client.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";

describe("the guard's process", function () {
  this.timeout(guardLimits.guardStartTimeoutMs);
  let place: TemporaryDirectory;
  let directory: string;
  let guard: Guard;
  const open = () => openGuard({ directory, guests: join(place.path, "guests"), clock: systemClock });
  const log = () => readFile(join(directory, guardFiles.log), "utf8");
  const pid = async () => Number(/as process ([0-9]+)/.exec(await log())?.[1]);
  const ahead = (ms: number) => systemClock.monotonicMs() + ms;

  before(async () => {
    place = await temporaryDirectory();
    // Longer than a socket's path may be.
    directory = join(place.path, "x".repeat(100), "guard");
    await mkdir(directory, { recursive: true });
    guard = await open();
  });
  after(async () => {
    await (await open()).end();
    await place.remove();
  });

  it("is reached in a directory of any length, by its owner alone, and leaves one program behind", async () => {
    await guard.extend(ahead(5_000));
    expect((await stat(join(directory, guardFiles.socket))).mode & 0o777).to.equal(0o600);
    const names = await readdir(directory);
    expect(names.filter((name) => name.startsWith(guardFiles.program))).to.deep.equal([guardFiles.program]);
    const program = await readdir(join(directory, guardFiles.program), { recursive: true });
    expect(program.filter((name) => name.includes(".mjs") && !name.endsWith(".mjs"))).to.deep.equal([]);
  });

  it("serves whoever comes next, and counts on from the one before", async () => {
    const next = await open();
    await next.extend(ahead(6_000));
    await next.close();
    // The guard answers before it writes its state down: the file may be a moment behind.
    const written = () => readStoredGuard(directory)?.number ?? 0;
    while (written() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it("hangs up on whoever talks nonsense, and goes on", async () => {
    for (const text of ["what?\n", '{"kind":"extend"}\n', "x".repeat(guardLimits.guardLineBytesMax + 1)]) {
      // Connects through the process's own directory, because the path is too long.
      const socket = connect(`/proc/${await pid()}/cwd/${guardFiles.socket}`);
      socket.on("error", () => undefined);
      socket.write(text);
      await new Promise((resolve) => socket.once("close", resolve));
    }
    const again = await open();
    expect(again.alive).to.equal(true);
    await again.close();
  });

  it("is given up when it does not answer, and not replaced as long as it lives", async () => {
    const held = await open();
    let told = 0;
    held.onEnd(() => {
      told += 1;
    });
    process.kill(await pid(), "SIGSTOP");
    try {
      const failed = await held.extend(ahead(5_000)).catch((error: unknown) => error);
      expect(failed).to.be.instanceOf(Error);
      expect([held.alive, told]).to.deep.equal([false, 1]);
      expect(await open().catch((error: unknown) => error)).to.be.instanceOf(Error);
    } finally {
      process.kill(await pid(), "SIGCONT");
    }
    const again = await open();
    await again.extend(ahead(5_000));
    await again.close();
  });

  it("ignores what would end it, but for the word of its owner", async () => {
    process.kill(await pid(), "SIGTERM");
    const again = await open();
    await again.extend(ahead(5_000));
    expect(await log()).to.include("SIGTERM ignored");
    await again.end();
    expect(again.alive).to.equal(false);
  });
});
