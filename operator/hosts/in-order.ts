/**
 * Runs `work` for up to `limit` items at the same time. Yields the results in the order of the
 * items, and keeps at most `limit` of them in memory. Throws the first error in that order, also
 * that of the items themselves.
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  const start = (result: Promise<R>): void => {
    // Awaited below. By then an earlier one may have failed, and nobody awaits this one.
    result.catch(() => undefined);
    running.push(result);
  };
  const source = asAsync(items);
  try {
    for (;;) {
      const next = await source.next().catch((error: unknown) => {
        start(Promise.reject(error));
        return undefined;
      });
      if (next === undefined || next.done === true) break;
      start(work(next.value));
      if (running.length >= limit) yield (await running.shift()) as R;
    }
    for (const result of running) yield await result;
  } finally {
    await source.return(undefined);
  }
}

async function* asAsync<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
