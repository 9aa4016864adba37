/**
 * Sends files one per request, a few at a time; where the station is full, all wait as long as it asks for. Where it is away or
 * asks for its token, those that are on their way fail or wait, and the others wait.
 */

import * as api from "../lib/api.js";

const AT_ONCE = 4;
const SECONDS = 1; // to wait where the station is full and does not say how long
const AWAY_SECONDS = 5; // to wait where it does not answer, or cannot keep results

export class Uploads {
  waiting = [];
  active = 0;
  /** Time (ms) before which nothing is sent. */
  resumesAt = 0;

  /**
   * @param {{started(item): void, held(item, why): void, done(item, inspection): void, failed(item, error): void}} told
   *   of each item; items have `file`, a function that gives the File or a promise of it.
   */
  constructor(told) {
    this.told = told;
  }

  add(items) {
    this.waiting.push(...items);
    while (this.active < AT_ONCE && this.waiting.length) {
      this.active++;
      this.work();
    }
  }

  async work() {
    while (this.waiting.length) {
      const item = this.waiting.shift();
      try {
        const file = await item.file();
        await this.told.started(item, file);
        this.told.done(item, await this.send(item, file));
      } catch (error) {
        this.told.failed(item, error);
      }
    }
    this.active--;
  }

  async send(item, file) {
    for (;;) {
      await until(this.resumesAt);
      try {
        return await api.inspect(file);
      } catch (error) {
        if (error.status === 401) {
          this.told.held(item, "the station asks for its token");
          await api.nextToken();
          continue;
        }
        const away = error.status === 0 || error.status === 503;
        const seconds = error.retryAfter ?? (away ? AWAY_SECONDS : SECONDS);
        if (away || error.status === 429) this.pause(seconds);
        if (error.status !== 429) throw error;
        this.told.held(item, `the station is full; trying again in ${Math.ceil(seconds)} s`);
      }
    }
  }

  pause(seconds) {
    this.resumesAt = Math.max(this.resumesAt, Date.now() + 1000 * seconds * (1 + Math.random() / 4));
  }
}

const until = (time) => new Promise((resume) => setTimeout(resume, Math.max(0, time - Date.now())));
