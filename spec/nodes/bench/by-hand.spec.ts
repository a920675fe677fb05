/** A QEMU by hand that does not come up: whoever waits for it hears why, and nothing is left of it. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { startByHand } from "../../../nodes/bench/by-hand.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";

describe("a guest by hand", () => {
  let temporary: TemporaryDirectory;
  beforeEach(async () => {
    temporary = await temporaryDirectory();
    mkdirSync(join(temporary.path, "guest"));
  });
  afterEach(() => temporary.remove());

  const failureOf = async (...argv: readonly string[]): Promise<string> => {
    const command = { pid: 0, argv, directory: join(temporary.path, "guest") };
    const { message } = await startByHand({ directory: temporary.path }, command).then(
      () => new Error("It has started."),
      (error: Error) => error,
    );
    expect(readdirSync(temporary.path).filter((name) => name.startsWith("by-hand"))).to.deep.equal([]);
    return message;
  };

  it("is not waited for when its process has ended", async () => {
    expect(await failureOf("sh", "-c", "exit 3")).to.equal("QEMU by hand ended with code 3.");
    expect(await failureOf("sh", "-c", "kill -9 $$")).to.equal("QEMU by hand was ended by SIGKILL.");
  });

  it("is not waited for when its program is not there", async () => {
    expect(await failureOf(join(temporary.path, "none"))).to.match(/^QEMU by hand did not start: .*ENOENT/);
  });
});
