/** What can be read of quotas. Types only. */
import type { QuotaRecord, QuotaTotal } from "../records/placement.ts";

export interface QuotaReads {
  /**
   * The quota of a project, or of `everyProject`: the default. An unknown project has no limit and uses
   * nothing.
   */
  get(project: string): Promise<QuotaRecord>;
  /**
   * For the doctor: every project that has a quota or instances, in order of name; both sums of one project
   * are from the same moment.
   */
  totals(): Promise<readonly QuotaTotal[]>;
}
