/** Who may see what: a project its own, operators everything (I12). Pure. */
import type { CallContext } from "../../../protocol/wire/service.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";

export function mayRead(context: CallContext, project: string): boolean {
  return context.project === adminProject || context.project === project;
}

/** A project sees its own; admin sees all. */
export function scopeOf(context: CallContext): { readonly project?: string } {
  return context.project === adminProject ? {} : { project: context.project };
}
