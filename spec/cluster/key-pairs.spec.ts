/** Key pairs from outside: what is accepted, how it is named, and whose it is. */
import { expect } from "chai";
import { refused } from "../support/asking.ts";
import { controllerWorld } from "../support/controller-world.ts";

/** The key whose 32 bytes are 0 to 31; the fingerprints are ssh-keygen's (OpenSSH 9.2). */
const ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@here\n";
const blob = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

describe("key pairs", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  beforeEach(async () => {
    world = await controllerWorld({ controllers: 2 });
  });
  afterEach(() => world.stop());

  it("are kept byte for byte, with the fingerprints that ssh-keygen prints", async () => {
    const { keyPair } = await world.demo.keyPair.create({ name: "my key@home", publicKey: ssh });
    expect(keyPair).to.include({ user: "demo", project: "demo", type: "ssh", publicKey: ssh, number: 1 });
    expect(keyPair.fingerprint).to.match(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
    expect(keyPair.fingerprintSha256).to.match(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(await world.demo.keyPair.get(keyPair.id, {})).to.deep.equal({ keyPair });
    const { keyPairs } = await world.demo.keyPair.list({ name: "my key@home" });
    expect(keyPairs).to.deep.equal([keyPair]);
  });

  it("are unique by name for each user, and nobody else's", async () => {
    const own = await world.demo.keyPair.create({ name: "k", publicKey: ssh });
    const taken = await refused(world.demo.keyPair.create({ name: "k", publicKey: ssh }));
    expect(taken.reason).to.equal("nameTaken");
    await world.other.keyPair.create({ name: "k", publicKey: ssh });
    const foreign = await refused(world.other.keyPair.get(own.keyPair.id, {}));
    expect([foreign.reason, foreign.message]).to.deep.equal([
      "notFound",
      `There is no key pair ${own.keyPair.id}.`,
    ]);
    expect((await world.admin.keyPair.list({})).keyPairs).to.have.length(2);
    expect((await world.admin.keyPair.get(own.keyPair.id, {})).keyPair.project).to.equal("demo");
    await world.demo.keyPair.delete("k", {});
    expect((await world.other.keyPair.list({})).keyPairs).to.have.length(1);
  });

  it("are limited by the quota, to 100 unless it says otherwise", async () => {
    expect((await world.demo.quota.get({})).quota.effective.keyPairs).to.equal(100);
    await world.admin.quota.set("demo", { keyPairs: 1 });
    await world.demo.keyPair.create({ name: "one", publicKey: ssh });
    const full = await refused(world.demo.keyPair.create({ name: "two", publicKey: ssh }));
    expect([full.reason, full.message]).to.deep.equal([
      "quotaExceeded",
      "You may have 1 key pair, and 1 are there.",
    ]);
    expect((await world.demo.quota.get({})).quota.used.keyPairs).to.equal(1);
  });

  for (const [what, publicKey, type] of [
    ["nothing like a key", "hello", "ssh"],
    ["a private key", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n", "ssh"],
    ["two lines", `${ssh}${ssh}`, "ssh"],
    ["another type than its blob's", `ssh-rsa ${blob} x`, "ssh"],
    ["half a blob", `ssh-ed25519 ${blob.slice(0, 20)} x`, "ssh"],
    ["a key that is no certificate", ssh, "x509"],
  ] as const)
    it(`are no keys of ${what}`, async () => {
      const error = await refused(world.demo.keyPair.create({ name: "k", publicKey, type }));
      expect(error.reason).to.equal("schemaMismatch");
      expect(error.message).to.contain("The public key must be");
      expect(error.message).not.to.contain("PRIVATE");
    });
});
