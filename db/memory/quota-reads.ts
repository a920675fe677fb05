/** Reads quotas from memory. It changes nothing. */
import type { QuotaReads } from "../../actors/ports/quota-reads.ts";
import type { QuotaRecord, QuotaTotal } from "../../actors/records/placement.ts";
import type { Tables } from "../rows/tables.ts";
import { quotaOf, quotaTotalsOf } from "../rules/quota/memory.ts";

export class MemoryQuotaReads implements QuotaReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async get(project: string): Promise<QuotaRecord> {
    return quotaOf(this.#tables, project);
  }

  async totals(): Promise<readonly QuotaTotal[]> {
    return quotaTotalsOf(this.#tables);
  }
}
