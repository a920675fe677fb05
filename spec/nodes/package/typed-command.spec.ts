/** How the command is called: by what would be found, in every way of having it. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { startCommand, typedCommand } from "../../../nodes/package/typed-command.ts";

describe("how a person types the command", () => {
  let root: string;
  let program: string;
  const at = (...parts: string[]): string => join(root, ...parts);
  const link = (...parts: string[]): void => {
    mkdirSync(dirname(at(...parts)), { recursive: true });
    symlinkSync(program, at(...parts));
  };
  const folder = (...parts: string[]): string => {
    mkdirSync(at(...parts), { recursive: true });
    return at(...parts);
  };
  const typed = (path: readonly string[], directory: string) =>
    typedCommand({ path: path.join(":"), directory, program });

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "novact-typed-")));
    program = join(folder("project/node_modules/novact/nodes"), "novact.mjs");
    writeFileSync(program, "");
    link("project/node_modules/.bin/novact");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("novact, where it is on the PATH, wherever that is", () => {
    link("usr/bin/novact");
    expect(typed(["/nowhere", at("usr/bin")], "/")).to.equal("novact");
    expect(typed([at("project/node_modules/.bin")], "/")).to.equal("novact");
  });

  it("npx novact in a project that has it, and in its folders", () => {
    expect(typed([], at("project"))).to.equal("npx novact");
    expect(typed([], folder("project/src/deep"))).to.equal("npx novact");
  });

  it("not by what npm and npx put in front of the PATH: that is not there for the person", () => {
    const npm = [at("project/node_modules/.bin"), "/usr/lib/npm/lib/node-gyp-bin"];
    expect(typed([...npm, "/usr/bin"], at("project"))).to.equal("npx novact");
    expect(typed([...npm, ...npm, "/usr/bin"], at("project"))).to.equal("npx novact");
    expect(typed([...npm, at("project/node_modules/.bin")], at("project"))).to.equal("novact");
  });

  it("not novact when that is another one, and not npx in another project, which would fetch it", () => {
    writeFileSync(join(folder("usr/bin"), "novact"), "");
    expect(typed([at("usr/bin")], at("project"))).to.equal("npx novact");
    writeFileSync(join(folder("project/inner"), "package.json"), "{}");
    expect(typed([], at("project/inner"))).to.equal(program);
  });

  it("by its path where neither finds it, quoted if need be", () => {
    expect(typed(["relative", ""], "/")).to.equal(program);
    const spaced = join(folder("it's here"), "novact.mjs");
    writeFileSync(spaced, "");
    const shown = typedCommand({ path: "", directory: "/", program: spaced });
    expect(shown).to.equal(`'${spaced.replace("'", "'\\''")}'`);
  });

  it("npx novact when npx has fetched it for this call", () => {
    const fetched = join(folder(".npm/_npx/1f2e/node_modules/novact/nodes"), "novact.mjs");
    writeFileSync(fetched, "");
    expect(typedCommand({ path: "", directory: "/", program: fetched })).to.equal("npx novact");
  });

  it("a checkout is started by npm", () => {
    expect(startCommand()).to.equal("npm start");
  });
});
