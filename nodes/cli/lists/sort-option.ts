/**
 * The option `--sort`: a column, and which way. The help does not repeat the columns; completion offers
 * them. Pure.
 */
import { InvalidArgumentError, Option } from "commander";

export interface Sorting {
  /** As typed. */
  readonly title: string;
  readonly descending: boolean;
}

export class SortOption extends Option {
  /** Columns as they are typed. */
  readonly titles: readonly string[];

  constructor(titles: readonly string[]) {
    super("--sort <column>", "sort what is listed by this column; COLUMN:desc turns it around");
    this.titles = titles;
    this.argParser((text: string) => sortingOf(text, titles));
  }
}

/** Reads `memory` or `memory:desc`. @throws InvalidArgumentError */
function sortingOf(text: string, titles: readonly string[]): Sorting {
  const [, title = "", direction = "asc"] = /^(.*?)(?::(asc|desc))?$/.exec(text) ?? [];
  if (!titles.includes(title))
    throw new InvalidArgumentError(`Allowed choices are ${titles.join(", ")}, each also with :desc.`);
  return { title, descending: direction === "desc" };
}
