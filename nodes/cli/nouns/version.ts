/**
 * novact version: what the command, every controller and every host run. What differs from the command is
 * marked. It must work without a cluster, too.
 */
import { Command } from "commander";
import type { Release, Running } from "../../../protocol/release.ts";
import { ownRelease, releaseText } from "../../package/release.ts";
import { shownOf } from "../errors.ts";
import type { Invoke, Run } from "../run.ts";
import type { Column } from "../table.ts";
import { plain } from "../terminal.ts";

export function versionCommand(invoke: Invoke): Command {
  return new Command("version")
    .description("Shows what the command, the controllers and the hosts run; the latter to operators.")
    .option("--client", "only what the command is")
    .action(({ client }: { client?: boolean }, command: Command) =>
      invoke(command, async (run) => {
        const own = ownRelease();
        if (!run.json) run.print(`novact ${releaseText(own)}`);
        const running = client === true ? undefined : await askCluster(run);
        if (run.json) run.emit({ client: own, ...(running === undefined ? {} : { running }) });
        else if (running !== undefined) await show(run, own, running);
        return 0;
      }),
    );
}

/** Undefined, with a remark, when the cluster cannot be asked: the command's own version is an answer. */
async function askCluster(run: Run): Promise<readonly Running[] | undefined> {
  try {
    const session = await run.adminSession();
    return (await session.doctor.releases({}, run.call())).running;
  } catch (thrown) {
    run.remark(`What the cluster runs is not known: ${plain(shownOf(thrown).message)}`);
    return undefined;
  }
}

async function show(run: Run, own: Release, running: readonly Running[]): Promise<void> {
  const withPlugins = running.some(({ release }) => (release?.plugins ?? []).length > 0);
  await run.list(running, [...columns(own), ...(withPlugins ? [pluginColumn] : [])]);
  const others = running.filter(({ release }) => release !== undefined && !isSame(release, own));
  if (others.length > 0) run.remark(`${others.length} of ${running.length} run another version than this.`);
}

const isSame = (one: Release, other: Release): boolean =>
  one.version === other.version && one.commit === other.commit;

const pluginColumn: Column<Running> = {
  title: "PLUG-INS",
  value: ({ release }) =>
    release?.plugins === undefined
      ? "unknown"
      : release.plugins.map(({ name, version }) => `${name} ${version}`).join(", "),
};

const columns = (own: Release): readonly Column<Running>[] => [
  { title: "WHAT", value: ({ kind }) => kind },
  { title: "NAME", value: ({ name }) => name, cut: true },
  {
    title: "RUNS",
    value: ({ release, why }) => {
      if (release === undefined) return `unknown: ${why ?? "it does not say"}`;
      return `${releaseText(release)}${isSame(release, own) ? "" : ", differs"}`;
    },
    style: ({ release }) => (release !== undefined && isSame(release, own) ? undefined : "yellow"),
  },
];
