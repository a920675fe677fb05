/** What the configuration says of this computer, judged before anything is started. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { loadConfig } from "../../../nodes/config/config.ts";
import { ConfigError } from "../../../nodes/config/errors.ts";
import { checkSurroundings } from "../../../nodes/config/surroundings.ts";

describe("the surroundings of a cluster", () => {
  let directory: string;
  const file = () => join(directory, "cluster.yaml");
  const judge = (text: string) => {
    writeFileSync(file(), text);
    checkSurroundings(loadConfig(file()));
  };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-surroundings-"));
    chmodSync(directory, 0o711);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("are made when all is right: a state directory that others may pass through", () => {
    judge("stateDirectory: a/b/state\nimageDirectories: [.]\n");
    expect(statSync(join(directory, "a/b/state")).mode & 0o777).to.equal(0o711 & ~process.umask());
    judge("stateDirectory: a/b/state\n");
  });

  it("of root are opened again, when somebody has closed the state directory", function () {
    if (process.getuid?.() !== 0) return this.skip();
    judge("stateDirectory: state\n");
    chmodSync(join(directory, "state"), 0o700);
    judge("stateDirectory: state\n");
    expect(statSync(join(directory, "state")).mode & 0o777).to.equal(0o711);
    chmodSync(directory, 0o700);
    expect(() => judge("stateDirectory: state\n")).to.throw(ConfigError, `chmod o+x ${directory}`);
    const own = "postgres: { url: 'postgresql://u@h/d' }\nnodes: [{ name: a, hypervisor: fake }]\n";
    judge(`stateDirectory: state\n${own}`);
  });

  const wrong: readonly (readonly [what: string, text: string, line: number, says: string])[] = [
    [
      "a file as the shared directory",
      "sharedDirectory: /etc/passwd\n",
      1,
      "sharedDirectory: /etc/passwd is not a dir",
    ],
    [
      "a path through a file",
      "demo: false\nsharedDirectory: /etc/passwd/x\n",
      2,
      "sharedDirectory: /etc/passwd is not a directory",
    ],
    [
      "a node's own one",
      "nodes:\n  - name: a\n  - name: b\n    sharedDirectory: /etc/passwd\n",
      4,
      "nodes.1.sharedDirectory: /etc/passwd",
    ],
    [
      "a missing image directory",
      "imageDirectories:\n  - /nonexistent\n",
      2,
      "imageDirectories.0: /nonexistent is not",
    ],
    [
      "more reserved than there is",
      "nodes:\n  - name: a\n    reserved: { vcpus: 4096 }\n",
      3,
      "nodes.0.reserved.vcpus: when 4096 CPUs are kept",
    ],
    [
      "all memory reserved",
      "nodes:\n  - { name: a, memoryMib: 1024, reserved: { memoryMib: 1024 } }\n",
      2,
      "nodes.0.reserved.memoryMib",
    ],
    [
      "a file as state directory",
      "stateDirectory: /etc/passwd\n",
      1,
      "stateDirectory: /etc/passwd cannot be used",
    ],
  ];
  for (const [what, text, line, says] of wrong) {
    it(`with ${what} are refused with the line, and nothing is made`, () => {
      const all = text.startsWith("stateDirectory") ? text : `${text}stateDirectory: state\n`;
      expect(() => judge(all)).to.throw(ConfigError, `${file()}:${line}: ${says}`);
      expect(existsSync(join(directory, "state"))).to.equal(false);
    });
  }

  it("are told once, also when all nodes have them", () => {
    try {
      judge("sharedDirectory: /etc/passwd\n");
    } catch (error) {
      expect((error as ConfigError).findings).to.have.length(1);
      return;
    }
    throw new Error("It was accepted.");
  });

  it("are judged at once by up, also where a recursive mkdir would spin for ever", function () {
    this.timeout(120_000);
    const main = join(import.meta.dirname, "../../../nodes/main.ts");
    for (const [role, path] of [
      ["up", "/proc/foo"],
      ["up", "/proc"],
      ["controller", "/proc/foo"],
    ] as const) {
      writeFileSync(file(), `stateDirectory: ${path}\n`);
      const options = { encoding: "utf8", timeout: 30_000, killSignal: "SIGKILL" } as const;
      const { status, stderr } = spawnSync(process.execPath, [main, role, "--config", file()], options);
      expect(stderr).to.contain(`cluster.yaml:1: stateDirectory: ${path} cannot be used`);
      expect(status).to.equal(2);
    }
  });
});
