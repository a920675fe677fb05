/** The commit of a checkout, from git's files in all their forms; and nothing where they do not say it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { commitOf, releaseText } from "../../../nodes/package/release.ts";

describe("the commit of a checkout", () => {
  let root: string;
  const hash = "0123456789abcdef0123456789abcdef01234567";
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "novact-release-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("is that of the branch, in a file of its own or among packed ones", () => {
    write(".git/HEAD", "ref: refs/heads/main\n");
    expect(commitOf(root)).to.equal(undefined);
    write(".git/packed-refs", `# pack-refs\n${"f".repeat(40)} refs/heads/other\n${hash} refs/heads/main\n`);
    expect(commitOf(root)).to.equal("0123456789ab");
    write(".git/refs/heads/main", `${"e".repeat(40)}\n`);
    expect(commitOf(root)).to.equal("eeeeeeeeeeee");
  });

  it("is what HEAD says itself, when it is at no branch", () => {
    write(".git/HEAD", `${hash}\n`);
    expect(commitOf(root)).to.equal("0123456789ab");
  });

  it("of a worktree is found where the branches are", () => {
    write("tree/.git", `gitdir: ${join(root, "main/.git/worktrees/tree")}\n`);
    write("main/.git/worktrees/tree/HEAD", "ref: refs/heads/side\n");
    write("main/.git/worktrees/tree/commondir", "../..\n");
    write("main/.git/refs/heads/side", `${hash}\n`);
    expect(commitOf(join(root, "tree"))).to.equal("0123456789ab");
  });

  it("is not known where there is no git, or its files say something else", () => {
    expect(commitOf(root)).to.equal(undefined);
    for (const text of ["", "ref: refs/heads/../../x", "not a hash", "ref: /etc/passwd"]) {
      write(".git/HEAD", text);
      expect(commitOf(root), text).to.equal(undefined);
    }
  });

  it("stands behind the version", () => {
    expect(releaseText({ version: "1.2.3", commit: "abc" })).to.equal("1.2.3 (abc)");
    expect(releaseText({ version: "1.2.3" })).to.equal("1.2.3");
  });
});
