/** Values of options that commands of networks have in common. */
import { InvalidArgumentError } from "commander";
import { CommandError } from "../../errors.ts";

/** For an option that may be repeated. */
export const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** @throws InvalidArgumentError */
export function wholeNumber(text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

/** `A-B` as an object of both. @throws CommandError usage */
export function pairAround<const K extends string, const L extends string>(
  text: string,
  sign: string,
  option: string,
  [first, second]: readonly [K, L],
): Record<K | L, string> {
  const [one = "", other = "", ...rest] = text.split(sign);
  if (one === "" || other === "" || rest.length > 0)
    throw new CommandError("usage", `${option} wants ${first}${sign}${second}; ${text} is not so.`);
  return { [first]: one, [second]: other } as Record<K | L, string>;
}
