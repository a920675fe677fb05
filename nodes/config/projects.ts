/**
 * The rules of cluster.yaml about projects that its schema cannot express: their names become users of NATS,
 * and one of them may be who a client without credentials is. Pure: text in, mistakes out.
 */
import { adminProject, systemProject } from "../../protocol/wire/subjects.ts";
import { controllerUser, hostUserPrefix } from "../bus/users.ts";
import type { Finding } from "./explain.ts";
import type { ClusterFile } from "./schema.ts";

export const projectsDefault: readonly string[] = ["demo"];

const reserved: readonly string[] = [adminProject, systemProject, controllerUser];

type LineOf = (path: readonly (string | number)[]) => number;

export function projectFindings(file: ClusterFile, lineOf: LineOf): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, project] of (file.projects ?? []).entries()) {
    const line = lineOf(["projects", index]);
    if (reserved.includes(project) || project.startsWith(hostUserPrefix)) {
      findings.push({ line, message: `projects.${index}: the name ${project} is reserved. Choose another.` });
    }
    if ((file.projects ?? []).indexOf(project) < index) {
      findings.push({ line, message: `projects.${index}: ${project} is named twice. Remove one.` });
    }
  }
  return [...findings, ...anonymousFindings(file, lineOf)];
}

function anonymousFindings({ nats, projects }: ClusterFile, lineOf: LineOf): readonly Finding[] {
  if (nats?.anonymous === undefined) return [];
  const line = lineOf(["nats", "anonymous"]);
  if (nats.url !== undefined) {
    const message =
      "nats.anonymous is a rule of our own server, and nats.url names another. Configure it there, and remove it here.";
    return [{ line, message }];
  }
  if ((projects ?? projectsDefault).includes(nats.anonymous)) return [];
  const message = `nats.anonymous: there is no project ${nats.anonymous} in projects. Name one of them, or remove the key.`;
  return [{ line, message }];
}
