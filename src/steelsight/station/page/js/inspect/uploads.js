/**
 * Sends files one per request, a few at a time; where the station is full, all wait as long as it asks for. Where it is away or
 * asks for its token, those that are on their way fail or wait, and the others wait.
 */

import * as api from "../lib/api.js";

/** @import { Inspection } from "../lib/answers.js" */

/** @typedef {{ file: () => File|Promise<File> }} Item `file` gives what is sent */

const AT_ONCE = 4;
const SECONDS = 1; // to wait where the station is full and does not say how long
const AWAY_SECONDS = 5; // to wait where it does not answer, or cannot keep results

/** @template {Item} Kind */
export class Uploads {
  /** @type {Kind[]} */
  waiting = [];
  active = 0;
  /** Time (ms) before which nothing is sent. */
  resumesAt = 0;

  /**
   * @param {{
   *   started: (item: Kind, file: File) => void,
   *   held: (item: Kind, why: string) => void,
   *   done: (item: Kind, inspection: Inspection) => void,
   *   failed: (item: Kind, error: unknown) => void,
   * }} told of each item.
   */
  constructor(told) {
    this.told = told;
  }

  /** @param {Kind[]} items */
  add(items) {
    this.waiting.push(...items);
    while (this.active < AT_ONCE && this.waiting.length) {
      this.active++;
      void this.work();
    }
  }

  async work() {
    for (let item = this.waiting.shift(); item; item = this.waiting.shift()) {
      try {
        const file = await item.file();
        this.told.started(item, file);
        this.told.done(item, await this.send(item, file));
      } catch (error) {
        this.told.failed(item, error);
      }
    }
    this.active--;
  }

  /** @param {Kind} item @param {File} file */
  async send(item, file) {
    for (;;) {
      await until(this.resumesAt);
      try {
        return await api.inspect(file);
      } catch (error) {
        if (!(error instanceof api.ApiError)) throw error;
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

  /** @param {number} seconds */
  pause(seconds) {
    this.resumesAt = Math.max(this.resumesAt, Date.now() + 1000 * seconds * (1 + Math.random() / 4));
  }
}

/** @param {number} time in ms since 1970. @returns {Promise<void>} */
const until = (time) => new Promise((resume) => setTimeout(resume, Math.max(0, time - Date.now())));
