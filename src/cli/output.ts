/**
 * Writes all of it and resolves when the stream has taken it. A reader that has seen enough and gone (`| head`) is no
 * failure.
 */
export function writeOut(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      if (!error || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve();
      else reject(error);
    };
    // The same failure comes to the callback and, if nobody listens, as an uncaught 'error'.
    stream.once('error', settle);
    stream.write(text, settle);
  });
}

/** A remark for the person at the terminal, as a comment so that it does no harm in a manifest either. */
export function remark(stderr: NodeJS.WritableStream, text: string): void {
  stderr.write(`# ${text}\n`);
}
