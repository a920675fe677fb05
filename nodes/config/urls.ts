/**
 * URLs in cluster.yaml: what a pattern cannot say is tried. A URL may have a password in it, so that no
 * message shows one. Pure.
 */
import type { Finding, LineOf } from "./yaml.ts";

/** Whether it can be taken apart, with user and password. */
export function isUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  try {
    decodeURIComponent(username);
    decodeURIComponent(password);
    return true;
  } catch {
    // A percent sign that stands for itself.
    return false;
  }
}

/** The mistakes in the URLs of our own two servers. */
export function urlFindings(
  file: { readonly [server in "nats" | "postgres"]?: { readonly url?: string } },
  lineOf: LineOf,
): readonly Finding[] {
  return (["nats", "postgres"] as const).flatMap((server) => {
    const url = file[server]?.url;
    if (url === undefined || isUrl(url)) return [];
    const message = `${server}.url cannot be read as a URL. Write %25 for a percent sign, and likewise what is special in it.`;
    return [{ line: lineOf([server, "url"]), message }];
  });
}
