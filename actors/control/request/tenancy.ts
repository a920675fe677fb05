/** Which projects a caller may see: a project its own, operators all (I12). Pure. */
import type { CallContext } from "../../../protocol/wire/service.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";

export function mayRead(context: CallContext, project: string): boolean {
  return context.project === adminProject || context.project === project;
}

/** The scope of a list: the caller's project, or for admin all projects. */
export function scopeOf(context: CallContext): { readonly project?: string } {
  return context.project === adminProject ? {} : { project: context.project };
}
