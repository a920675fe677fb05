/** Key, user data, host name and config drive on the command line of `novact instance create`. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { HostInventory } from "../../../protocol/machine.ts";
import { controllerWorld } from "../../support/controller-world.ts";
import { commandOn, connectOn } from "./cli-world.ts";

const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@here\n";
const abilities = {
  networks: [],
  volumes: [],
  hotPlug: false,
  liveMigration: false,
  console: true,
  save: false,
};
const drivers: HostInventory["drivers"] = {
  ...{ hypervisor: "fake", disks: "fake", network: null, volumes: null },
  abilities: { ...abilities, configDrive: true },
};

describe("novact instance create for the guest", () => {
  let world: Awaited<ReturnType<typeof controllerWorld>>;
  let novact: ReturnType<typeof commandOn>;
  let host: Awaited<ReturnType<typeof world.host>>;
  let directory: string;
  beforeEach(async () => {
    world = await controllerWorld();
    host = await world.host("a", { drivers });
    novact = commandOn(connectOn(world.bus, "test").connect);
    directory = mkdtempSync(join(tmpdir(), "novact-guest-options-"));
  });
  afterEach(async () => {
    rmSync(directory, { recursive: true, force: true });
    await world.stop();
  });
  const create = (more: string) => novact(`instance create web --flavor tiny --image tiny --wait ${more}`);
  const told = () => host.ensured.at(-1)?.spec.guest;
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };

  it("gives a key by its name, user data from a file as it is, and shows all but the user data", async () => {
    await novact(`key-pair create mine --public-key ${file("key.pub", publicKey)}`);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const { exit } = await create(`--key mine --user-data ${file("data", bytes)} --hostname db-1`);
    expect(exit).to.equal(0);
    expect(told()).to.deep.include({
      hostname: "db-1",
      publicKeys: [{ name: "mine", type: "ssh", publicKey }],
      userData: bytes.toString("base64"),
      configDrive: true,
    });
    expect((await novact("instance show web")).out)
      .to.match(/^host name +db-1$/m)
      .and.to.match(/^key +mine$/m)
      .and.to.match(/^user data +256 bytes$/m)
      .and.to.match(/^config drive +yes$/m);
    expect((await novact("host show host-a")).out).to.match(/^abilities +console, config drive$/m);
  });

  it("gives a drive to whoever asks, none to whoever asks for none, and says nothing unasked", async () => {
    await create("--config-drive");
    expect(told()?.configDrive).to.equal(true);
    await create(`--user-data ${file("data", "x")} --no-config-drive`);
    expect(told()).to.deep.include({ userData: "eA==", configDrive: false });
    await create("");
    expect(told()).to.deep.include({ hostname: "web", userData: null, configDrive: false });
    expect((await novact("instance list --json")).exit).to.equal(0);
  });

  it("reads no more of a file than may be sent, whatever the file is", async () => {
    const large = await create(`--user-data ${file("large", Buffer.alloc(49_150))}`);
    expect(large.exit).not.to.equal(0);
    expect(large.err).to.match(/has more than 49149 bytes/);
    const most = await create(`--user-data ${file("most", Buffer.alloc(49_149))}`);
    expect(most.exit).to.equal(0);
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    const writer = spawn("sh", ["-c", `exec yes > ${pipe}`], { stdio: "ignore" });
    try {
      expect((await create(`--user-data ${pipe}`)).err).to.match(/has more than 49149 bytes/);
    } finally {
      writer.kill("SIGKILL");
    }
    const missing = await create(`--user-data ${join(directory, "none")}`);
    expect(missing.err).to.match(/cannot be read/);
  });

  it("says what to do when there is no such key pair", async () => {
    const { exit, err } = await create("--key none");
    expect(exit).not.to.equal(0);
    expect(err)
      .to.match(/There is no key pair none\./)
      .and.to.match(/novact key-pair list/);
  });
});
