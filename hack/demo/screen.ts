/** Where the story is told; a part of `process.stdout`. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

type Colour = 'bold' | 'dim' | 'green' | 'cyan';

const CODES: Record<Colour, string> = { bold: '1', dim: '2', green: '32', cyan: '36' };

/** Lays out headings, commands and what they print. Colours only where somebody sees them and has not said no. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #colours: boolean;

  constructor(terminal: Terminal, env: Readonly<NodeJS.ProcessEnv>) {
    this.#terminal = terminal;
    // https://no-color.org: any value but an empty one counts.
    this.#colours = terminal.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  }

  heading(text: string): void {
    this.#line(`\n${this.#paint(text, 'bold')}`);
  }

  say(text: string): void {
    this.#line(`  ${text}`);
  }

  /** A step that is done, and how long it took. */
  step(text: string, milliseconds: number): void {
    this.#line(`  ${text.padEnd(44)}${(milliseconds / 1000).toFixed(1).padStart(6)} s`);
  }

  command(text: string): void {
    this.#line(`\n  ${this.#paint(`$ ${text}`, 'cyan')}`);
  }

  /** What a command printed. */
  output(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.#line(line === '' ? '' : `  ${line}`);
  }

  /** Something that was looked at and found as it should be. */
  checked(text: string): void {
    this.#line(`  ${this.#paint('✓', 'green')} ${text}`);
  }

  /** Commands to try, each with what it is for. */
  suggestions(rows: readonly (readonly [command: string, purpose: string])[]): void {
    const width = Math.max(...rows.map(([command]) => command.length));
    for (const [command, purpose] of rows) {
      this.#line(`  ${command.padEnd(width)}  ${this.#paint(`# ${purpose}`, 'dim')}`);
    }
  }

  /** @param rows Cells of equal count; all but the first column are numbers. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = (rows[0] ?? []).map((_, column) =>
      Math.max(...rows.map((row) => row[column]?.length ?? 0)),
    );
    for (const row of rows) {
      const cells = row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      this.#line(`  ${cells.join('   ')}`.trimEnd());
    }
  }

  #line(text: string): void {
    this.#terminal.write(`${text}\n`);
  }

  #paint(text: string, colour: Colour): string {
    return this.#colours ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
  }
}
