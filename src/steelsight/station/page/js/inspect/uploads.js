/**
 * Sends files one per request, a few at a time; where the station is full, all wait as long as it asks for. Where it asks for its
 * token, all wait. Where it is away, those that are on their way fail, for they may be in the log all the same; the others wait
 * until it is there, and then one goes before the rest.
 */

import * as api from "../lib/api.js";

/**
 * @import { ApiError } from "../lib/api.js"
 * @import { Inspection } from "../lib/answers.js"
 */

/** @typedef {{ file: () => File|Promise<File> }} Item `file` gives what is sent */

const AT_ONCE = 4;
const SECONDS = 1; // to wait where the station is full and does not say how long
const AWAY_SECONDS = 5; // from one look to the next, where it does not answer or cannot keep results

/** @template {Item} Kind */
export class Uploads {
  /** @type {Kind[]} */
  waiting = [];
  active = 0;
  /** The latest answer said that the station is away, or cannot keep results. */
  away = false;
  asking = false; // somebody looks whether it is there, or has sent the first file since
  /** Time (ms) before which nothing is sent. */
  resumesAt = 0;

  /**
   * @param {{
   *   started: (item: Kind, file: File) => void,
   *   held: (item: Kind, why: string) => void,
   *   done: (item: Kind, inspection: Inspection) => void,
   *   failed: (item: Kind, error: unknown) => void,
   *   away: (is: boolean) => void,
   * }} told of each item, and of the station when it goes away and when it is back.
   */
  constructor(told) {
    this.told = told;
  }

  /** @param {Kind[]} items */
  add(items) {
    this.waiting.push(...items);
    this.begin();
  }

  begin() {
    while (this.active < AT_ONCE && this.waiting.length && !this.held) {
      this.active++;
      void this.work();
    }
  }

  /** Whether nothing may begin: one that asks is enough. */
  get held() {
    return this.away && this.asking;
  }

  async work() {
    while (this.waiting.length && !this.held) {
      const first = this.away;
      if (first) {
        this.asking = true;
        await this.answered();
      }
      const item = this.waiting.shift();
      if (item) await this.one(item);
      if (first) this.asking = false;
    }
    this.active--;
  }

  /** Until the station says that it can inspect, or has answered somebody else. */
  async answered() {
    for (;;) {
      await until(this.resumesAt);
      if (!this.away || await api.isReady()) return;
      this.pause(AWAY_SECONDS);
    }
  }

  /** @param {Kind} item */
  async one(item) {
    try {
      const file = await item.file();
      this.told.started(item, file);
      this.told.done(item, await this.send(item, file));
    } catch (error) {
      this.told.failed(item, error);
      if (!(error instanceof api.ApiError) || !isAway(error)) return;
      this.pause(error.retryAfter ?? AWAY_SECONDS);
      this.is(true);
    }
  }

  /** @param {boolean} away */
  is(away) {
    if (away === this.away) return;
    this.away = away;
    this.told.away(away);
    this.begin();
  }

  /** @param {Kind} item @param {File} file */
  async send(item, file) {
    for (;;) {
      await until(this.resumesAt);
      try {
        const inspection = await api.inspect(file);
        this.is(false);
        return inspection;
      } catch (error) {
        if (!(error instanceof api.ApiError) || isAway(error)) throw error;
        this.is(false);
        if (error.status === 401) {
          this.told.held(item, "the station asks for its token");
          await api.nextToken();
          continue;
        }
        if (error.status !== 429) throw error;
        const seconds = error.retryAfter ?? SECONDS;
        this.pause(seconds);
        this.told.held(item, `the station is full; trying again in ${Math.ceil(seconds)} s`);
      }
    }
  }

  /** @param {number} seconds */
  pause(seconds) {
    this.resumesAt = Math.max(this.resumesAt, Date.now() + 1000 * seconds * (1 + Math.random() / 4));
  }
}

/** Whether it says nothing of the file, but that the station, or what a proxy looks for, is not there. @param {ApiError} error */
const isAway = ({ status }) => api.AWAY_STATUSES.includes(status);

/** @param {number} time in ms since 1970. @returns {Promise<void>} */
const until = (time) => new Promise((resume) => setTimeout(resume, Math.max(0, time - Date.now())));
