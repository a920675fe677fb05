/** novact instance list. */
import type { Instance } from "../../../protocol/instance.ts";
import type { Listed } from "../lists/listed.ts";
import { type InstanceFilters, instanceFilters, instanceReader } from "./instance-filters.ts";
import { instanceColumns } from "./instance-view.ts";

export const instanceList: Listed<Instance, InstanceFilters> = {
  description: "Lists instances, oldest first. With --project admin those of every project.",
  filters: (list) => instanceFilters(list).option("--deleted", "deleted ones as well"),
  reader: instanceReader,
  columns: ({ nowMs, everyProject }) => instanceColumns(nowMs, everyProject),
  keyOf: ({ id }) => id,
  defaults: () => ({ first: "oldest" }),
  follows: ["instance"],
};
