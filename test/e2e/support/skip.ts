/**
 * Skips the test, or, from a hook, all tests of the suite, each with the reason in its title: for what no package registry
 * has. Without what one has, a test fails.
 */
export function skip(context: Mocha.Context, reason: string): never {
  const { test } = context;
  const suite = test?.parent;
  const mark = (skipped: Mocha.Runnable): void => {
    skipped.title += ` (skipped: ${reason})`;
  };
  const itself = suite?.tests.find((own) => own === test);
  if (itself !== undefined) mark(itself);
  else suite?.eachTest(mark);
  context.skip();
}
