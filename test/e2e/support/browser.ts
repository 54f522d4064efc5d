import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { toolsOrSkip } from './tools.js';

/** A browser that talks to nobody. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];

/** Chromium by CHROMIUM, else as hack/tools/get finds it; skips where it is not to be had on a machine like this one. */
export async function chromiumOrSkip(context: Mocha.Context): Promise<string> {
  const { CHROMIUM = '' } = process.env;
  return CHROMIUM === '' ? (await toolsOrSkip(context, 'chromium')).chromium : CHROMIUM;
}

/** One headless browser with a profile of its own, and files that it shows. */
export class TestBrowser {
  readonly context: BrowserContext;
  /** What pages complained about since the last look: errors on the console, exceptions, dialogs, requests to a network. */
  readonly complaints: string[] = [];
  readonly #directory: string;

  private constructor(context: BrowserContext, directory: string) {
    this.context = context;
    this.#directory = directory;
    context.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(message.text());
    });
    context.on('weberror', (error) => this.complaints.push(String(error.error())));
    context.on('dialog', (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on('request', (request) => {
      if (!request.url().startsWith('file://')) this.complaints.push(`request: ${request.url()}`);
    });
  }

  static async start(
    executablePath: string,
    options: { javaScriptEnabled?: boolean } = {},
  ): Promise<TestBrowser> {
    const directory = await mkdtemp(join(tmpdir(), 'config-weaver-browser-'));
    const context = await chromium.launchPersistentContext(join(directory, 'profile'), {
      executablePath,
      args: ARGUMENTS,
      viewport: { width: 1280, height: 900 },
      ...options,
    });
    return new TestBrowser(context, directory);
  }

  /** Opens the page as somebody would who was sent the file. */
  async open(html: string): Promise<Page> {
    const file = join(this.#directory, 'report.html');
    await writeFile(file, html);
    const page = await this.context.newPage();
    await page.goto(pathToFileURL(file).href);
    return page;
  }

  async close(): Promise<void> {
    await this.context.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
