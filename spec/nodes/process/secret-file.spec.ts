/** Password files: which files are accepted, and the messages about all others. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ConfigError } from "../../../nodes/config/errors.ts";
import { createPowerFence } from "../../../nodes/fence/index.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { readSecretFile, SecretFileError } from "../../../nodes/process/secret-file.ts";
import { failureOf, never } from "../../support/power-fence-contract.ts";
import { skip } from "../../support/services.ts";
import { silentLog } from "../../support/silent-log.ts";

describe("a password's file", () => {
  let directory: string;
  let file: string;
  const write = (text: string, mode = 0o600): void => {
    writeFileSync(file, text);
    chmodSync(file, mode);
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-secret-"));
    file = join(directory, "password");
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  for (const text of ["secret", "secret\n", "secret\r\n"]) {
    it(`may be ${JSON.stringify(text)}`, () => {
      write(text);
      expect(readSecretFile(file)).to.equal("secret");
    });
  }

  it("keeps spaces, which a password may have", () => {
    write(" two words \n");
    expect(readSecretFile(file)).to.equal(" two words ");
  });

  it("may be reached by a link, as where secrets are mounted", () => {
    write("secret");
    symlinkSync(file, join(directory, "link"));
    expect(readSecretFile(join(directory, "link"))).to.equal("secret");
  });

  for (const mode of [0o640, 0o604, 0o644, 0o620, 0o660]) {
    it(`is refused with the mode ${mode.toString(8)}, and says how to change it`, () => {
      write("secret", mode);
      expect(() => readSecretFile(file)).to.throw(SecretFileError, `chmod 600 ${file}`);
    });
  }

  const wrong: readonly (readonly [string, string, string])[] = [
    ["is empty", "", "is empty"],
    ["has an empty line", "\n", "is empty"],
    ["has two lines", "a\nb\n", "more than one line"],
    ["is a whole document", "x".repeat(1_025), "larger than 1024"],
  ];
  for (const [what, text, says] of wrong) {
    it(`is refused when it ${what}`, () => {
      write(text);
      expect(() => readSecretFile(file)).to.throw(SecretFileError, says);
    });
  }

  it("is refused when it is not there, is a directory, or a pipe that nobody writes to", () => {
    expect(() => readSecretFile(file)).to.throw(SecretFileError, "is not there");
    expect(() => readSecretFile(directory)).to.throw(SecretFileError, "not a file");
    spawnSync("mkfifo", [file]);
    expect(() => readSecretFile(file)).to.throw(SecretFileError, "not a file");
  });

  it("is refused when it belongs to somebody else", function () {
    if (process.getuid?.() !== 0) skip(this, "only root can give a file away");
    write("secret");
    chownSync(file, 65_534, 65_534);
    expect(() => readSecretFile(file)).to.throw(SecretFileError, "chown 0");
  });

  describe("of a node's power controller", () => {
    const fence = () => {
      const rest = { port: 623, user: "u", interface: "lanplus", cipherSuite: undefined } as const;
      const power = { kind: "ipmi", address: "127.0.0.1", passwordFile: file, ...rest } as const;
      return createPowerFence({ nodes: [{ name: "node-1", power }], clock: systemClock, log: silentLog });
    };

    it("is looked at when the controller starts", () => {
      write("secret", 0o644);
      expect(fence).to.throw(ConfigError, "password:1: can be used by others");
    });

    it("is looked at again when it is needed; the answer has no path in it", async () => {
      write("secret");
      const made = fence();
      chmodSync(file, 0o644);
      const failure = await failureOf(made.off("node-1", never), "powerControlMissing");
      expect(failure.message).to.include("node-1").and.not.include(directory);
    });
  });
});
