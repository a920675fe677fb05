/** Prometheus's own tool, which reads a page as Prometheus does; Debian has it in the package prometheus. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const promtoolMissing: string | undefined =
  spawnSync("promtool", ["--version"]).error === undefined
    ? undefined
    : "no promtool is installed (Debian's prometheus)";

/** What promtool finds wrong with a page: its form, and what its authors advise against. */
export function promtoolFindings(page: string): string {
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: page,
    encoding: "utf8",
  });
  return status === 0 ? "" : `exit ${status}: ${stdout}${stderr}`;
}

/** What promtool finds wrong with a file of rules. */
export function rulesFindings(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "novact-rules-"));
  try {
    const file = join(directory, "rules.yaml");
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "rules", file], { encoding: "utf8" });
    return status === 0 ? "" : `exit ${status}: ${stdout}${stderr}`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
