/** Files of credentials: what is believed, and that an error names the file and nothing of its content. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { CredentialsError, readCredentials } from "../../../nodes/bus/credentials.ts";

describe("a file of credentials", () => {
  let directory: string;
  const file = () => join(directory, "demo.json");
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-credentials-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const sound = { servers: ["nats://127.0.0.1:4222"], user: "demo", pass: "secret", inboxPrefix: "_INBOX" };

  it("is read as it was written; a missing one is undefined", () => {
    expect(readCredentials(file())).to.equal(undefined);
    writeFileSync(file(), `${JSON.stringify(sound)}\n`);
    expect(readCredentials(file())).to.deep.equal(sound);
  });

  const wrong: readonly string[] = [
    "",
    "null",
    "[]",
    '{"servers":["nats://127',
    ...[
      { servers: [] },
      { servers: [1] },
      { user: "" },
      { pass: 7 },
      { pass: undefined },
      { inboxPrefix: 1 },
    ].map((change) => JSON.stringify({ ...sound, ...change })),
  ];
  for (const text of wrong) {
    it(`that holds ${text || "nothing"} is refused by its name, without a word of it`, () => {
      writeFileSync(file(), text);
      expect(() => readCredentials(file())).to.throw(CredentialsError, `${file()} is no file of credentials`);
      expect(new CredentialsError(file()).message).not.to.contain("secret");
    });
  }
});
