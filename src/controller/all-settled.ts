/**
 * As Promise.all, but it waits for all of them before it rejects: nothing goes on behind the back of whoever asked.
 * @throws what the first of those that failed, in their order, was rejected with.
 */
export async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
