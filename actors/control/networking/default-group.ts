/**
 * The group `default` of each project, which is made when it is asked for first. Its id follows from the
 * project, so that two controllers cannot make two of them.
 */
import { createHash } from "node:crypto";
import { groupMembership } from "../../../protocol/port.ts";
import { defaultGroupName, securityGroup, securityGroupRule } from "../../../protocol/security-group.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Commit } from "../../records/commit.ts";
import type { RowChange } from "../../records/rows.ts";
import type { CatalogOptions } from "../request/commit-once.ts";
import { rowMade } from "../request/row-changes.ts";
import { defaultRules, type RuleMatch, ruleInWords, usualRules } from "./rules.ts";

/** In the shape of a UUID. */
export function defaultGroupIdOf(project: string): string {
  const hex = createHash("sha256").update(`the default security group of ${project}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}

type Options = Pick<CatalogOptions, "store" | "commit" | "clock" | "ids">;

/** The rows of a group's rules. */
export function rulesMade(
  owner: { readonly project: string; readonly groupId: string },
  rules: readonly RuleMatch[],
  { clock, ids }: Pick<Options, "clock" | "ids">,
): readonly RowChange[] {
  return rules.map((rule) => {
    const own = { id: ids.next(), name: ruleInWords(rule), description: null };
    return rowMade(securityGroupRule, { ...own, ...owner, ...rule, createdAtMs: clock.nowMs(), version: 1 });
  });
}

export class DefaultGroups {
  readonly #options: Options;
  /** Projects whose group was seen; it never goes. */
  readonly #seen = new Set<string>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** The id of the project's group, which exists from then on. @throws quotaExceeded, the store's errors */
  async of(project: string): Promise<string> {
    const id = defaultGroupIdOf(project);
    if (!(await this.#isThere(project, id))) await this.#make(project, id);
    this.#seen.add(project);
    return id;
  }

  /** The commit of a dry run, which makes the group as well where the same create would make it first. */
  async rehearsed(project: string, commit: Commit): Promise<Commit> {
    const id = defaultGroupIdOf(project);
    const { rows = [] } = commit;
    const isMember = rows.some(({ resource }) => resource.noun === groupMembership.noun);
    if (!isMember || (await this.#isThere(project, id))) return commit;
    return { ...commit, rows: [...this.#rowsOf(project, id), ...rows] };
  }

  async #isThere(project: string, id: string): Promise<boolean> {
    if (this.#seen.has(project)) return true;
    const [there] = await this.#options.store.rows.called(securityGroup, id);
    return there?.id === id;
  }

  #rowsOf(project: string, id: string): readonly RowChange[] {
    const description = "The group of ports that name none.";
    const named = { id, project, name: defaultGroupName, description };
    const group = { ...named, createdAtMs: this.#options.clock.nowMs(), version: 1 };
    const rules = [...usualRules, ...defaultRules(id)];
    return [rowMade(securityGroup, group), ...rulesMade({ project, groupId: id }, rules, this.#options)];
  }

  async #make(project: string, id: string): Promise<void> {
    const { clock, commit } = this.#options;
    const atMs = clock.nowMs();
    const result = await commit({
      rows: this.#rowsOf(project, id),
      events: [
        {
          ...{ noun: securityGroup.noun, id, project, event: "created", atMs },
          body: { name: defaultGroupName },
        },
      ],
    });
    // Taken: another controller has made it meanwhile.
    if (result.kind === "committed" || result.kind === "nameTaken") return;
    if (result.kind === "quotaExceeded")
      throw new StatusError(
        "quotaExceeded",
        `The project ${project} has no room for its group ${defaultGroupName}.`,
        {
          details: result,
        },
      );
    throw new StatusError("internal", "The default security group could not be made.", {
      detail: result.kind,
    });
  }
}
