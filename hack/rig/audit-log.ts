import { open } from 'node:fs/promises';

/** One line of the API server's audit log (audit.k8s.io/v1 Event), level Metadata: the parts that tests ask for. */
export interface AuditEntry {
  auditID: string;
  /** A watch has two lines, `ResponseStarted` and `ResponseComplete`; everything else the latter alone. */
  stage: 'ResponseStarted' | 'ResponseComplete' | 'Panic';
  verb: string;
  requestURI: string;
  user: { username: string; uid?: string; groups?: string[] };
  userAgent?: string;
  /** Those of the proxies on the way, and last that of the connection. */
  sourceIPs?: string[];
  objectRef?: {
    apiGroup?: string;
    resource?: string;
    namespace?: string;
    name?: string;
    subresource?: string;
  };
  responseStatus?: { code?: number; status?: string; reason?: string; message?: string };
  /** RFC 3339 with microseconds. */
  requestReceivedTimestamp: string;
  annotations?: Record<string, string>;
}

/** Every field that is given must match: a string exactly, an expression by test(), a list by any of its members. */
export interface AuditFilter {
  username?: string | RegExp;
  userAgent?: string | RegExp;
  verb?: string | readonly string[];
  resource?: string;
  namespace?: string;
  name?: string;
  /** '' for requests to the object itself. */
  subresource?: string;
  code?: number;
  auditID?: string;
}

/**
 * Follows the API server's own account of who did what: each look reads only what was added since the last one.
 * The API server writes a line before it sends the answer, so whoever has the answer finds the line.
 */
export class AuditLog {
  readonly #path: string;
  readonly #entries: AuditEntry[] = [];
  #offset: number;
  /** The beginning of a line whose end was not there yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** True until the end of a line that had begun before this follows. */
  #inMidLine: boolean;

  private constructor(path: string, offset: number, inMidLine = false) {
    this.#path = path;
    this.#offset = offset;
    this.#inMidLine = inMidLine;
  }

  /** All that was logged since the API server's first start. */
  static fromStart(path: string): AuditLog {
    return new AuditLog(path, 0);
  }

  /** Only what is logged from now on. A line that is being written just now is left out. */
  static async fromNow(path: string): Promise<AuditLog> {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const last = await file.read(Buffer.alloc(1), 0, 1, Math.max(size - 1, 0));
      return new AuditLog(path, size, size > 0 && last.buffer.toString() !== '\n');
    } finally {
      await file.close();
    }
  }

  /** The lines so far that match, oldest first. */
  async entries(filter: AuditFilter = {}): Promise<AuditEntry[]> {
    await this.#readOn();
    return this.#entries.filter((entry) => matches(entry, filter));
  }

  async #readOn(): Promise<void> {
    const file = await open(this.#path, 'r');
    try {
      const chunk = Buffer.alloc(1024 * 1024);
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, chunk.length, this.#offset);
        if (bytesRead === 0) return;
        this.#offset += bytesRead;
        this.#take(chunk.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  }

  #take(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const end = bytes.lastIndexOf('\n') + 1;
    this.#rest = Buffer.from(bytes.subarray(end));
    const lines = bytes.toString('utf8', 0, end).split('\n');
    if (this.#inMidLine && end > 0) {
      lines.shift();
      this.#inMidLine = false;
    }
    for (const line of lines) {
      if (line !== '') this.#entries.push(JSON.parse(line) as AuditEntry);
    }
  }
}

function matches(entry: AuditEntry, filter: AuditFilter): boolean {
  const { objectRef } = entry;
  return (
    text(entry.user.username, filter.username) &&
    text(entry.userAgent ?? '', filter.userAgent) &&
    (filter.verb === undefined || [filter.verb].flat().includes(entry.verb)) &&
    text(objectRef?.resource ?? '', filter.resource) &&
    text(objectRef?.namespace ?? '', filter.namespace) &&
    text(objectRef?.name ?? '', filter.name) &&
    text(objectRef?.subresource ?? '', filter.subresource) &&
    (filter.code === undefined || entry.responseStatus?.code === filter.code) &&
    text(entry.auditID, filter.auditID)
  );
}

function text(value: string, wanted: string | RegExp | undefined): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? value === wanted : wanted.test(value);
}
