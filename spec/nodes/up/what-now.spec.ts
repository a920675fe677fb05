/** What `npm start` says at its end: lines that can be pasted into another terminal. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parseConfig } from "../../../nodes/config/config.ts";
import { whatNow } from "../../../nodes/up/what-now.ts";

describe("what now?", () => {
  let directory: string;
  const config = (more = "") =>
    parseConfig(`stateDirectory: ${directory}\n${more}`, join(directory, "my cluster.yaml"));
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-now-"));
    mkdirSync(join(directory, "nats", "credentials"), { recursive: true });
    const credentials = { servers: ["nats://127.0.0.1:21222"], user: "demo", pass: "secret-word" };
    writeFileSync(join(directory, "nats", "credentials", "demo.json"), JSON.stringify(credentials));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("stops the very process of a node of this cluster, and lets it go on", () => {
    const text = whatNow(
      config(),
      new Map([
        ["node-1", 4_711],
        ["node-2", 4_712],
      ]),
    );
    expect(text)
      .to.match(/^ {2}kill -STOP 4711 +# lose node-1: /m)
      .and.to.match(/^ {2}kill -CONT 4711 +# have node-1 back$/m);
    expect(text).not.to.contain("pkill");
    const commands = text
      .split("\n")
      .filter((line) => /^ {2}\S/.test(line) && !line.includes("NATS_PASSWORD"));
    expect(commands).to.have.length(7);
    for (const line of commands) expect(line).to.match(/ {2}# \S/);
  });

  it("names the demo's network and guests, where they are", () => {
    const before = whatNow(config(), new Map());
    expect(before).not.to.contain("--network");
    const alone = whatNow(config(), new Map(), { hasNetwork: true, hasBoth: false });
    expect(alone).to.match(/ instance create web --flavor tiny --image tiny --network lan --wait /);
    expect(alone).not.to.contain("explain");
    const both = whatNow(config(), new Map(), { hasNetwork: true, hasBoth: true });
    expect(both).to.match(
      / network explain --from friend --to hello +# why friend reaches hello, on the network lan$/m,
    );
  });

  it("loses no node that is the only one, or whose guests could go nowhere", () => {
    expect(whatNow(config(), new Map([["node-1", 1]]))).not.to.contain("kill");
    const apart = config(
      "nodes: [{ name: node-1, sharedDirectory: none }, { name: node-2, sharedDirectory: none }]",
    );
    expect(
      whatNow(
        apart,
        new Map([
          ["node-1", 1],
          ["node-2", 2],
        ]),
      ),
    ).not.to.contain("kill");
  });

  it("names the configuration where another terminal would take another one, and NATS' server", () => {
    const text = whatNow(config(), new Map());
    expect(text).to.match(/ --config '\S+\/my cluster\.yaml' instance list /);
    expect(text).to.contain(
      "nats --server nats://127.0.0.1:21222 --user demo --inbox-prefix _INBOX_demo req ",
    );
    expect(text).not.to.contain("secret-word");
  });
});
