/**
 * Compiles a flavor's extra spec into a test of a host's value, once for each request: Nova's operators,
 * exactly. Source: nova/scheduler/filters/extra_specs_ops.py. Pure.
 */

/** A host's value: one text or a list of texts. */
export type Value = string | readonly string[];
export type Matcher = (value: Value) => boolean;

type Compare<T> = (left: T, right: T) => boolean;

/** A single `=` means "at least", as in Nova. */
const ofNumbers: Readonly<Record<string, Compare<number>>> = {
  "=": (left, right) => left >= right,
  "==": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  ">=": (left, right) => left >= right,
  "<=": (left, right) => left <= right,
};

const ofTexts: Readonly<Record<string, Compare<string>>> = {
  "s==": (left, right) => left === right,
  "s!=": (left, right) => left !== right,
  "s<": (left, right) => left < right,
  "s<=": (left, right) => left <= right,
  "s>": (left, right) => left > right,
  "s>=": (left, right) => left >= right,
};

/** A text without an operator must be equal; an operator without an operand matches nothing. */
export function matcher(requirement: string): Matcher {
  const [operator = "", ...operands] = wordsOf(requirement);
  const [first] = operands;
  if (operator === "<or>") return anyOf(operands.filter((_, index) => index % 2 === 0));
  const numbers = ofNumbers[operator];
  if (numbers !== undefined) return first === undefined ? never : comparing(numbers, first);
  const texts = ofTexts[operator];
  if (texts !== undefined) return first === undefined ? never : (value) => texts(textOf(value), first);
  if (operator === "<in>") return first === undefined ? never : (value) => value.includes(first);
  if (operator === "<all-in>")
    return operands.length === 0 ? never : (value) => operands.every((operand) => value.includes(operand));
  return (value) => textOf(value) === requirement;
}

/** Why no value ever matches a requirement, as the rest of a sentence about it; undefined: some do. */
export function requirementFault(requirement: string): string | undefined {
  const [operator = "", ...operands] = wordsOf(requirement);
  const isOperator =
    [ofNumbers, ofTexts].some((all) => Object.hasOwn(all, operator)) || sets.includes(operator);
  if (!isOperator) return undefined;
  if (operands.length === 0) return `which matches nothing: ${operator} needs a value behind it`;
  const isNumber = !Number.isNaN(Number(operands[0]));
  if (Object.hasOwn(ofNumbers, operator) && !isNumber)
    return `which matches nothing: ${operator} compares numbers (s== and the like compare texts)`;
  return undefined;
}

const sets: readonly string[] = ["<or>", "<in>", "<all-in>"];
const wordsOf = (requirement: string): readonly string[] =>
  requirement.split(/\s+/).filter((word) => word !== "");

const never: Matcher = () => false;
const textOf = (value: Value): string => (typeof value === "string" ? value : value.join(","));

function anyOf(texts: readonly string[]): Matcher {
  const wanted = new Set(texts);
  return (value) => (typeof value === "string" ? wanted.has(value) : value.some((one) => wanted.has(one)));
}

/** A comparison of numbers; a text that is no number matches nothing. */
function comparing(compare: Compare<number>, operand: string): Matcher {
  const wanted = Number(operand);
  return (value) => {
    const text = textOf(value);
    const has = text.trim() === "" ? Number.NaN : Number(text);
    return !Number.isNaN(has) && !Number.isNaN(wanted) && compare(has, wanted);
  };
}
