/**
 * The tree of the distribution: what mmdebstrap makes of packages, then our own files, and nothing that two
 * guests may not share. Files in it have several owners: root alone makes it.
 */
import { chmod, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { downloadPackages } from "../guest/packages.ts";
import { mustRun, type Stop } from "../run-command.mjs";
import { type Archives, bootstrapArguments } from "./packages.ts";

const overlay = join(import.meta.dirname, "root");

interface Telling {
  readonly say: (text: string) => void;
  readonly stop: Stop | undefined;
}

/** Downloads mmdebstrap, which need not be installed, and has it make the tree. Answers the tree's path. */
export async function bootstrap(work: string, archives: Archives, { say, stop }: Telling): Promise<string> {
  const [tools, tar, tree] = [join(work, "tools"), join(work, "tree.tar"), join(work, "tree")];
  for (const made of [tools, tree]) await mkdir(made, { mode: 0o755 });
  for (const archive of await downloadPackages(["mmdebstrap"], work, { say, stop })) {
    await mustRun("dpkg-deb", ["-x", archive, tools], { stop });
    await rm(archive);
  }
  const path = [join(tools, "usr/bin"), process.env.PATH ?? "", "/usr/sbin", "/sbin"].join(delimiter);
  const env = { ...process.env, PATH: path, LC_ALL: "C.UTF-8" };
  await mustRun(join(tools, "usr/bin/mmdebstrap"), bootstrapArguments(archives, tar), { env, stop });
  say("the tree");
  await mustRun("tar", ["-x", "--numeric-owner", "-f", tar, "-C", tree, "--exclude=./dev/*"], { stop });
  await rm(tar);
  return tree;
}

/** Units that wake a guest up for nothing it was made for. */
const masked = ["apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "man-db.timer"];

/** Adds our files, and takes away what each guest must have of its own. */
export async function finishTree(tree: string): Promise<void> {
  const own = await readdir(overlay, { recursive: true, withFileTypes: true });
  for (const each of own.filter((one) => one.isFile())) {
    const file = join(each.parentPath, each.name);
    const target = join(tree, file.slice(overlay.length + 1));
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, await readFile(file), { mode: 0o644 });
    await chmod(target, 0o644);
  }
  const units = join(tree, "etc/systemd/system");
  for (const unit of masked) await symlinkAnew("/dev/null", join(units, unit));
  const ssh = join(tree, "etc/ssh");
  for (const name of await readdir(ssh)) if (name.startsWith("ssh_host_")) await rm(join(ssh, name));
  // Empty and there: the guest makes one of its own, and takes its boot for no first installation.
  await truncate(join(tree, "etc/machine-id"));
  await rm(join(tree, "var/lib/dbus/machine-id"), { force: true });
  await writeFile(join(tree, "etc/hostname"), "debian\n", { mode: 0o644 });
}

async function symlinkAnew(target: string, path: string): Promise<void> {
  await rm(path, { force: true });
  await symlink(target, path);
}
