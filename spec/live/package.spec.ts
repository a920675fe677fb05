/**
 * The package as a stranger has it: installed into an empty project, imported on the oldest and on the pinned
 * Node, type-checked, and used against a real cluster from Node, from the command line and from a page.
 */
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { credentialsFile, readCredentials } from "../../nodes/bus/credentials.ts";
import { findNatsServer, type NatsServer, startNatsServer } from "../../nodes/up/nats-server.ts";
import { hasChromium, type PageServer, startPageServer } from "../support/chromium.ts";
import { type LiveCluster, startLiveCluster } from "../support/live-cluster.ts";
import { installedManifest, makePackageProject, type PackageProject } from "../support/package-project.ts";
import { skip } from "../support/services.ts";
import { projectFiles, root } from "../tidy/source-tree.ts";

const run = promisify(execFile);
const nodes = ["22", "24"] as const;
const entries = ["novact", "novact/browser", "novact/protocol", "novact/plugin", "novact/contract"];

/** What a stranger's program does; the same text runs in Node and in a page. */
const life = `
export async function life(novact, { name, flavor, image }) {
  const seen = [];
  const { last } = await novact.event.list({});
  const { instance } = await novact.instance.create({ name, flavor, image, wait: true });
  const watched = novact.watch({ after: last, id: instance.id });
  const { operation } = await novact.instance.delete(instance.id, {});
  await novact.waitFor(operation);
  for await (const { event, body } of watched) {
    seen.push(event);
    if (event === "operationEnded" && body.kind === "delete") break;
  }
  const { instances } = await novact.instance.list({ name });
  const wrong = await novact.instance.get("nobody", {}).catch((error) => error.reason);
  return { state: instance.state, project: novact.project, seen, left: instances.length, wrong };
}
`;

const lived = (outcome: unknown): void => {
  expect(outcome).to.deep.include({ project: "demo", left: 0, wrong: "instanceNotFound", state: "running" });
  const { seen } = outcome as { readonly seen: readonly string[] };
  expect(seen[0]).to.equal("accepted");
  expect(seen.filter((event) => event === "operationEnded")).to.have.length(2);
};

describe("the package, installed into an empty project", function () {
  this.timeout(300_000);
  let project: PackageProject;
  let directory: string;
  let nats: NatsServer;
  let cluster: LiveCluster;
  let pages: PageServer;

  before(async function () {
    if (findNatsServer() === undefined) skip(this, "no NATS server is installed (nats-server)");
    project = await makePackageProject(this);
    pages = await startPageServer();
    directory = await mkdtemp(join(tmpdir(), "novact-package-nats-"));
    await chmod(directory, 0o711);
    const cell = `package${process.pid}`;
    nats = await startNatsServer({
      directory: join(directory, "nats"),
      port: 0,
      logFile: join(directory, "nats.log"),
      access: { cell, hosts: [], projects: ["demo"], anonymous: "controller" },
      webSocket: { port: 0, allowedOrigins: [pages.origin] },
      diesWithUs: true,
    });
    cluster = await startLiveCluster(this, { url: nats.url, cell });
  });
  after(async () => {
    await cluster?.stop();
    await nats?.stop();
    await pages?.close();
    await project?.remove();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  const demo = () => readCredentials(credentialsFile(join(directory, "nats"), "demo"));
  const place = () => ({
    NOVACT_URL: nats.url,
    NOVACT_CELL: cluster.cell,
    NOVACT_USER: "demo",
    NOVACT_PASSWORD: demo()?.pass ?? "",
  });
  const wish = (name: string) => ({ name, flavor: cluster.flavor, image: cluster.image });

  describe("has", () => {
    it("everything that is read at run time, in its place", () => {
      const read = projectFiles().filter((path) =>
        /^(?:db\/.*\/.*\.sql|nodes\/setup\/guest\/root\/.*|nodes\/setup\/system-packages\.mjs)$/.test(path),
      );
      expect(read.length).to.be.greaterThan(5);
      expect(project.packed).to.include.members(read.map((path) => `build/${path}`));
      expect(project.packed).to.include.members([
        "README.md",
        "LICENSE",
        "cluster.yaml",
        "protocol/README.md",
      ]);
    });

    it("no source, and of the specs only the contracts and what a check of a plug-in needs", () => {
      expect(project.packed).not.to.include("build/db/schema.sql");
      const sources = project.packed.filter((path) => /(?<!\.d)\.m?ts$/.test(path) || /bench\//.test(path));
      expect(sources).to.deep.equal([]);
      const isSkeleton = (path: string) => /^build\/nodes\/cli\/skeletons\/.+\.template$/.test(path);
      const specs = project.packed.filter((path) => path.includes("spec/") && !isSkeleton(path));
      const folder = /^build\/spec\/(?:check|contracts|simulator|support)\/[a-z-]+\.(?:js|d\.ts)$/;
      const single = /^build\/spec\/(?:versions\/snapshot|actors\/control\/scheduler\/worlds)\.(?:js|d\.ts)$/;
      expect(specs.filter((path) => !folder.test(path) && !single.test(path))).to.deep.equal([]);
      const outside = project.packed.filter((path) => !path.startsWith("build/")).sort();
      expect(outside).to.deep.equal([
        "LICENSE",
        "README.md",
        "cluster.yaml",
        "nodes/drivers/writing-a-driver.md",
        "nodes/novact.mjs",
        "package.json",
        "protocol/README.md",
      ]);
    });

    it("brings no Node of its own, and is not private", async () => {
      const manifest = await installedManifest(project);
      expect(manifest).not.to.have.any.keys("private", "optionalDependencies");
      const lock = await readFile(join(project.directory, "package-lock.json"), "utf8");
      expect(lock).not.to.contain("node-linux");
    });
  });

  describe("is imported", () => {
    for (const node of nodes) {
      it(`with all its entries and all their names, on Node ${node}`, async () => {
        const listed = JSON.parse(readFileSync(join(root, "spec/versions/surface.json"), "utf8"));
        // The contracts describe tests when they are called, and need the author's chai.
        const importable = entries.filter((entry) => entry !== "novact/contract");
        const code = `
          const found = { version: process.versions.node.split(".")[0] };
          for (const entry of ${JSON.stringify(importable)}) found[entry] = Object.keys(await import(entry)).sort();
          console.log(JSON.stringify(found));`;
        const found = await project.evaluate(node, code);
        const values = (entry: string): readonly string[] =>
          listed[entry].filter((name: string) => !name.startsWith("type "));
        const wanted = Object.fromEntries(importable.map((entry) => [entry, values(entry)]));
        expect(found).to.deep.equal({ version: node, ...wanted });
      });
    }

    it("and its contracts run with the author's mocha and chai: they pass, and they can fail", async () => {
      const modules = join(project.directory, "node_modules");
      for (const name of ["mocha", "chai"])
        await symlink(join(root, "node_modules", name), join(modules, name));
      const stream = readFileSync(join(root, "spec/support/memory-event-stream.ts"), "utf8");
      await writeFile(join(project.directory, "mine.mjs"), stripTypeScriptTypes(stream));
      const spec = `
        import { eventStreamContract } from "novact/contract";
        import { createMemoryEventStream } from ${JSON.stringify("./mine.mjs")};
        eventStreamContract("an author's", async () => {
          const mine = createMemoryEventStream();
          const first = process.env.FORGETFUL ? 1 : 0;
          return { connect: mine.connect, read: async () => mine.events.slice(first), wipe: async () => mine.wipe() };
        });`;
      await writeFile(join(project.directory, "mine.spec.mjs"), spec);
      const failures = async (environment: Readonly<Record<string, string>>): Promise<number> => {
        const argv = [join(modules, "mocha/bin/mocha.js"), "--reporter", "json", "mine.spec.mjs"];
        const env = { ...process.env, ...environment };
        const options = { cwd: project.directory, env, timeout: 60_000 };
        const { stdout } = await run(project.nodes["22"], argv, options).catch((failed) => failed);
        const { stats } = JSON.parse(stdout) as { readonly stats: { passes: number; failures: number } };
        expect(stats.passes + stats.failures).to.be.greaterThan(4);
        return stats.failures;
      };
      expect(await failures({})).to.equal(0);
      expect(await failures({ FORGETFUL: "yes" })).to.be.greaterThan(0);
    });
  });

  it("type-checks a strict program against its declarations, and finds what is wrong in it", async () => {
    const program = `
      import { connect, type Novact, StatusError } from "novact";
      import { connect as inPage } from "novact/browser";
      import type { hypervisorContract } from "novact/contract";
      import { type Filter, type Hypervisor, type Static, Type } from "novact/plugin";
      import { type Bus, instanceStates } from "novact/protocol";
      const options = Type.Object({ firmware: Type.String() });
      export const given: Static<typeof options> = { firmware: "x" };
      export async function main(): Promise<number> {
        await using novact: Novact = await connect({ url: "nats://h" });
        const { instance } = await novact.instance.create({ name: "a", flavor: "b", image: "c" });
        for await (const { sequence } of novact.watch({ after: 0, id: instance.id })) return sequence;
        // @ts-expect-error: there is no such field.
        await novact.instance.create({ nam: "a", flavor: "b", image: "c" });
        // @ts-expect-error: a page has to say where.
        await inPage({});
        return instanceStates.length;
      }
      export type Ports = [Hypervisor, Bus, Filter, typeof hypervisorContract, StatusError];`;
    const compilerOptions = {
      ...{ module: "nodenext", target: "es2024", lib: ["es2024"], strict: true, noEmit: true },
      ...{
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        typeRoots: [join(root, "node_modules/@types")],
      },
      types: ["node"],
    };
    await writeFile(join(project.directory, "program.ts"), program);
    const settings = JSON.stringify({ compilerOptions, files: ["program.ts"] });
    await writeFile(join(project.directory, "tsconfig.json"), settings);
    const compiler = join(root, "node_modules/.bin/tsc");
    const { stdout } = await run(compiler, ["--project", "."], { cwd: project.directory }).catch(
      (failed) => failed,
    );
    expect(stdout).to.equal("");
  });

  for (const node of nodes) {
    it(`creates, watches and deletes an instance from Node ${node}`, async () => {
      const code = `${life}
        import { connect } from "novact";
        const novact = await connect();
        console.log(JSON.stringify(await life(novact, ${JSON.stringify(wish(`from-${node}`))})));
        await novact.close();`;
      lived(await project.evaluate(node, code, place()));
    });
  }

  it("creates, watches and deletes an instance from a page in Chromium", async function () {
    if (!hasChromium()) skip(this, "no Chromium is installed (chromium)");
    const options = {
      url: nats.webSocketUrl,
      user: "demo",
      password: demo()?.pass,
      cell: cluster.cell,
    };
    const page = `<!doctype html><script type="module">
      import { connect } from "/novact.js";
      import { life } from "/life.js";
      const said = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
      try {
        const nobody = await connect({ ...${JSON.stringify(options)}, password: "wrong" }).catch((error) => error.reason);
        const novact = await connect(${JSON.stringify(options)});
        const outcome = await life(novact, ${JSON.stringify(wish("from-a-page"))});
        await novact.close();
        await said({ ...outcome, nobody, agent: navigator.userAgent });
      } catch (error) {
        await said({ failed: String(error), stack: error.stack });
      }
    </script>`;
    const bundle = join(project.directory, "node_modules/novact/build/browser/novact.js");
    const files = { "/": page, "/novact.js": readFileSync(bundle, "utf8"), "/life.js": life };
    const outcome = await pages.show(files, 60_000);
    lived(outcome);
    expect(outcome).to.include({ nobody: "unauthenticated" });
    expect((outcome as { readonly agent: string }).agent).to.contain("Chrome");
  });

  it("does in a page what the README says", async function () {
    if (!hasChromium()) skip(this, "no Chromium is installed (chromium)");
    const example = /<!-- page -->\n```html\n([\s\S]*?)```/.exec(
      readFileSync(join(root, "README.md"), "utf8"),
    )?.[1];
    const [, module = ""] = /from "(.*?)"/.exec(example ?? "") ?? [];
    const page = (example ?? "")
      .replace('prompt("password")', JSON.stringify(demo()?.pass))
      .replace("ws://127.0.0.1:8222", nats.webSocketUrl ?? "")
      .replace('user: "demo"', `user: "demo", cell: "${cluster.cell}"`);
    const watcher = `<script>
      new MutationObserver(() => {
        if (document.body.textContent.includes("operationEnded"))
          fetch("/result", { method: "POST", body: JSON.stringify(document.body.textContent) });
      }).observe(document, { childList: true, subtree: true, characterData: true });
    </script>`;
    const bundle = readFileSync(join(project.directory, module.replace(/^\//, "")), "utf8");
    const made = await cluster.admin.instance.list({});
    expect(made.instances).to.deep.equal([]);
    const shown = pages.show({ "/": `<!doctype html>${watcher}${page}`, [module]: bundle }, 60_000);
    expect(await shown).to.match(/accepted [\s\S]*operationEnded /);
  });

  it("does in Node what the README says", async () => {
    const [, example = ""] =
      /<!-- sdk -->\n```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];
    const code = example
      .replace('flavor: "tiny"', `flavor: "${cluster.flavor}"`)
      .replace('"tiny"', `"${cluster.image}"`);
    const argv = ["--input-type=module", "--eval", code];
    const options = { cwd: project.directory, env: { ...process.env, ...place() }, timeout: 60_000 };
    expect((await run(project.nodes["24"], argv, options)).stdout).to.include("READY");
  });

  it("brings the command, which says how it is typed there", async () => {
    const bin = join(project.directory, "node_modules/.bin/novact");
    const options = { cwd: project.directory, env: { ...process.env, ...place() }, timeout: 60_000 };
    const { stdout } = await run(project.nodes["22"], [bin, "flavor", "list", "--json"], options);
    expect(stdout).to.contain(`"name":"${cluster.flavor}"`);
    const failed = await run(project.nodes["22"], [bin, "instance", "show", "nobody"], options).catch(
      (error) => error,
    );
    expect(failed.code).to.equal(3);
    expect(failed.stderr).to.contain("next: List what there is: npx novact instance list.");
  });

  it("brings a whole cluster up and down by the command, on the oldest Node", async () => {
    const yaml = { stateDirectory: join(directory, "state"), nats: { port: 0 }, demo: false };
    const nodesOfIt = [{ name: "node-1", hypervisor: "fake" }];
    await writeFile(join(project.directory, "cluster.yaml"), JSON.stringify({ ...yaml, nodes: nodesOfIt }));
    const bin = join(project.directory, "node_modules/.bin/novact");
    // When mocha is killed, the kernel asks it to end, and with it goes everything.
    const argv = ["--pdeathsig", "TERM", project.nodes["22"], bin, "up"];
    const env = { ...process.env, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
    const up = spawn("setpriv", argv, { cwd: project.directory, env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const { promise: isUp, resolve, reject } = Promise.withResolvers<void>();
    for (const stream of [up.stdout, up.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        said += chunk;
        if (said.includes("Ctrl-C ends everything.")) resolve();
      });
    const ended = new Promise<number | null>((done) => up.once("close", done));
    void ended.then((code) => reject(new Error(`It ended with ${code}: ${said}`)));
    await isUp;
    expect(said).to.contain("  npx novact instance list ");
    const options = { cwd: project.directory, env, timeout: 60_000 };
    expect((await run(project.nodes["22"], [bin, "doctor"], options)).stdout).to.contain("No findings.");
    up.kill("SIGINT");
    expect(await ended).to.equal(130);
    expect(said).to.contain("everything is down");
  });

  it("starts a guard from its own files, on the oldest Node", async () => {
    const guests = join(directory, "guests");
    await mkdir(guests);
    const built = join(project.directory, "node_modules/novact/build/nodes");
    const code = `
      import { openGuard } from ${JSON.stringify(join(built, "drivers/qemu/guard-client.js"))};
      import { systemClock as clock } from ${JSON.stringify(join(built, "process/clock.js"))};
      const places = ${JSON.stringify({ directory: join(directory, "guard"), guests })};
      const guard = await openGuard({ ...places, clock });
      await guard.extend(clock.monotonicMs() + 1_000);
      console.log(JSON.stringify({ alive: guard.alive }));
      await guard.end();`;
    expect(await project.evaluate("22", code)).to.deep.equal({ alive: true });
  });

  it("starts a switch from its own files, on the oldest Node", async () => {
    const built = join(project.directory, "node_modules/novact/build/nodes");
    const port = {
      ...{ portId: "p", networkId: "n", instanceId: "i", ownerEpoch: 1, hostName: "h" },
      ...{ mac: "52:54:00:00:00:01", mtuBytes: 1_450 },
    };
    const code = `
      import { userNetwork } from ${JSON.stringify(join(built, "drivers/user-network/index.js"))};
      import { systemClock as clock } from ${JSON.stringify(join(built, "process/clock.js"))};
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const stateDirectory = ${JSON.stringify(join(directory, "net"))};
      const network = userNetwork.open(
        { hostId: "h", stateDirectory, computerDirectory: stateDirectory, clock, log }, {});
      const signal = AbortSignal.timeout(20_000);
      await network.ensurePort(${JSON.stringify(port)}, signal);
      console.log(JSON.stringify({ applied: await network.apply({ version: 3, networks: [], groups: [] }, signal) }));
      await network.detach(true);`;
    expect(await project.evaluate("22", code)).to.deep.equal({ applied: 3 });
  });
});
