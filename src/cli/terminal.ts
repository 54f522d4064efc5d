import { printable } from '../k8s/util/text.js';
import { redactText } from '../telemetry/logging/redact.js';

const CODES = { red: 31, yellow: 33, green: 32, dim: 2 };
/** What stays as it is in each form of output beside printable text: line ends, and in a table what {@link painted} makes. */
const KEPT = {
  text: /(\n)/,
  csv: /(\r\n)/,
  // eslint-disable-next-line no-control-regex -- that is how colours begin
  table: /(\n|\u001b\[(?:0|2|31|32|33)m)/,
};

export type Colour = keyof typeof CODES;
type Form = keyof typeof KEPT;

export function painted(text: string, colour: Colour | undefined): string {
  return colour === undefined ? text : `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}

/**
 * Writes all of it and resolves when the stream has taken it. A reader that has seen enough and gone (`| head`) is no
 * failure.
 */
export function writeOut(stream: NodeJS.WritableStream, text: string, form: Form = 'text'): Promise<void> {
  const parts = text.split(KEPT[form]);
  const shown = parts.map((part, index) => (index % 2 === 1 ? part : printable(part))).join('');
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      if (!error || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve();
      else reject(error);
    };
    // The same failure comes to the callback and, if nobody listens, as an uncaught 'error'.
    stream.once('error', settle);
    stream.write(shown, settle);
  });
}

/** One line for the person at the terminal, without what looks like a credential. */
export function writeLine(stderr: NodeJS.WritableStream, text: string): void {
  stderr.write(`${printable(redactText(text))}\n`);
}

/** A remark for the person at the terminal: a comment, so that it does no harm in a manifest either. */
export function remark(stderr: NodeJS.WritableStream, text: string): void {
  writeLine(stderr, `# ${text}`);
}
