import { appendFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';

/**
 * Loaded into a program with `--import`, to measure how long its event loop is blocked: appends a line of JSON to the file
 * that TURN_MONITOR names for each stretch between two ticks of a timer in which the main thread computed for more than a few
 * milliseconds. It is the thread's own CPU time, which other processes on a busy machine hardly change, where the time by the
 * clock would count how long the machine kept it waiting.
 */
export interface Turn {
  /** When it ended (milliseconds since the epoch). */
  at: number;
  /** CPU time of the main thread, without garbage collection (milliseconds). */
  cpuMs: number;
  gcMs: number;
}

const TICK_MS = 1;
const LEAST_MS = 8;
const file = process.env.TURN_MONITOR;

if (file !== undefined) {
  let collections: { start: number; duration: number }[] = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) collections.push({ start: startTime, duration });
  }).observe({ entryTypes: ['gc'] });
  let began = performance.now();
  let last = process.threadCpuUsage();
  const pending: { began: number; ended: number; at: number; ms: number }[] = [];
  setInterval(() => {
    const usage = process.threadCpuUsage();
    const ms = (usage.user + usage.system - last.user - last.system) / 1000;
    const ended = performance.now();
    if (ms > LEAST_MS) pending.push({ began, ended, at: Date.now(), ms });
    last = usage;
    began = ended;
  }, TICK_MS).unref();
  // Entries of collections come a little later than they happen.
  setInterval(() => {
    for (const turn of pending.splice(0)) {
      const gcMs = collections
        .filter(({ start }) => start >= turn.began && start < turn.ended)
        .reduce((sum, { duration }) => sum + duration, 0);
      const line: Turn = { at: turn.at, cpuMs: Math.max(turn.ms - gcMs, 0), gcMs };
      appendFileSync(file, `${JSON.stringify(line)}\n`);
    }
    // All that ended before is written.
    const beat: Turn = { at: Date.now(), cpuMs: 0, gcMs: 0 };
    appendFileSync(file, `${JSON.stringify(beat)}\n`);
    collections = [];
  }, 500).unref();
}
