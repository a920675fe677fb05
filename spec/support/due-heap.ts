/** A heap by due time: the earliest first, and by registration where the time is the same. */
export interface Due {
  readonly atMs: number;
  readonly order: number;
}

function isBefore(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

export function pushDue<T extends Due>(heap: T[], due: T): void {
  let index = heap.push(due) - 1;
  while (index > 0) {
    const above = (index - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || isBefore(parent, due)) break;
    heap[index] = parent;
    index = above;
  }
  heap[index] = due;
}

export function popDue(heap: Due[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    if (a === undefined) break;
    const [child, at] = b !== undefined && isBefore(b, a) ? [b, left + 1] : [a, left];
    if (!isBefore(child, last)) break;
    heap[index] = child;
    index = at;
  }
  heap[index] = last;
}
