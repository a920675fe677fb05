/**
 * The distribution that the set-up builds, as a guest that novact launch makes: cloud-init ends without an
 * error, and who has the key logs in by ssh; name, address and user data are right. It takes minutes on an
 * emulated processor, so that it runs only with NOVACT_DISTRIBUTION=full, as root, who alone builds the
 * image. The cluster is an ordinary user's, whose hosts publish ports.
 */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { buildImage } from "../../nodes/catalogue/built.ts";
import { loadConfig, statePaths } from "../../nodes/config/config.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/driver-world.ts";
import { guestOfSetup, missingForGuests } from "../support/live-guest.ts";
import { skip } from "../support/services.ts";
import { UpRun } from "../support/up-run.ts";

const run = promisify(execFile);
const minuteMs = 60_000;
const nobody = "65534";
const nodes = join(import.meta.dirname, "../../nodes");
const asNobody = ["setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups"] as const;

function missing(): string | undefined {
  if (process.env.NOVACT_DISTRIBUTION !== "full")
    return "it boots for minutes (NOVACT_DISTRIBUTION=full runs it)";
  if (process.getuid?.() !== 0) return "only root builds it";
  const [program, ...words] = [...asNobody, "test", "-r", join(nodes, "main.ts")];
  const canRead = spawnSync(program ?? "", words).status === 0;
  return missingForGuests() ?? (canRead ? undefined : "an ordinary user cannot read this checkout");
}

describe("the distribution that the set-up builds", function () {
  this.timeout(60 * minuteMs);
  let place: TemporaryDirectory;
  let up: UpRun | undefined;

  before(async function () {
    const why = missing();
    if (why !== undefined) return skip(this, why);
    place = await temporaryDirectory();
  });
  after(async () => {
    up?.child.kill("SIGTERM");
    await up?.ended;
    await place?.remove();
  });

  it("is a guest with ssh, its name, its address and its user data, by one command", async () => {
    const at = (...parts: string[]) => join(place.path, ...parts);
    const { distribution } = statePaths(loadConfig());
    const never = new AbortController().signal;
    await buildImage({ directory: distribution, signal: never, say: () => undefined });
    const guest = guestOfSetup();
    if (guest === undefined) throw new Error("The tiny guest has gone.");
    await cp(distribution, at("state", "distribution"), { recursive: true });
    await cp(guest.directory, at("state", "guest"), { recursive: true, dereference: true });
    await mkdir(at("home", ".ssh"), { recursive: true, mode: 0o700 });
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at("home", ".ssh", "id_ed25519")]);
    const hypervisor = { driver: "qemu", options: { accelerator: "tcg" } };
    const node = { name: "node-1", hypervisor, network: "user", vcpus: 2, memoryMib: 1_024, diskGib: 20 };
    const config = { stateDirectory: at("state"), nats: { port: 0 }, demo: false, nodes: [node] };
    await writeFile(at("cluster.yaml"), JSON.stringify(config));
    await writeFile(at("script"), '#!/bin/sh\necho "$(hostname -f) $(hostname -I)" >/run/told\n');
    execFileSync("chown", ["-R", `${nobody}:${nobody}`, place.path]);

    const environment = { HOME: at("home"), NODE_COMPILE_CACHE: undefined, XDG_CACHE_HOME: undefined };
    up = new UpRun(at("cluster.yaml"), {
      environment,
      program: [...asNobody, process.execPath, join(nodes, "main.ts")],
    });
    await up.says("Ctrl-C ends everything", 10 * minuteMs);
    const inside =
      "cloud-init status --wait; cat /run/told; id -un; sudo -n id -u; cat /run/cloud-init/result.json";
    const [program = "", ...words] = [
      ...[...asNobody, process.execPath, join(nodes, "novact.mjs"), "--config", at("cluster.yaml")],
      ...["launch", "debian", "--name", "web-1", "--user-data", at("script"), "--", inside],
    ];
    const { stdout } = await run(program, words, {
      env: { ...process.env, ...environment },
      cwd: place.path,
    });
    expect(stdout).to.match(/status: done\nweb-1 10\.0\.0\.\d+ \ndebian\n0\n/);
    expect(stdout).to.match(/"errors": \[\]/);
  });
});
