/**
 * What the station answers, as types: each is the JSON of a class of `steelsight.station.http.schemas` (`Review` of
 * `ReviewAnswer` and so on); a test holds the fields of both against each other. Times are ISO 8601.
 */

/** @typedef {"pass"|"review"|"reject"} Verdict */

/**
 * A version of what a reviewer said; `word` is the decision.
 * @typedef {{
 *   version: number,
 *   at: string,
 *   reviewer: string,
 *   agrees: boolean,
 *   word: "pass"|"reject",
 *   runs: Record<string, string>,
 *   comment: string,
 * }} Review
 */

/** @typedef {{ reviews: Review[] }} Reviews */

/**
 * What a reviewer sends; `after_version` is the one that was seen, `runs` are null where the inspector's masks stand.
 * @typedef {{
 *   after_version: number,
 *   agrees: boolean,
 *   word: "pass"|"reject",
 *   runs: Record<string, string>|null,
 *   reviewer: string,
 *   comment: string,
 * }} ReviewRequest
 */

/**
 * A connected defect, in pixels of the image.
 * @typedef {{
 *   class: string,
 *   number: number,
 *   left: number,
 *   top: number,
 *   width: number,
 *   height: number,
 *   area: number,
 *   probability: number,
 * }} RegionSummary
 */

/** @typedef {RegionSummary & { polygons: [number, number][][] }} Region */

/**
 * An inspection without its masks; height, width and p_defect are null where the file could not be read, p_defect also
 * where the networks gave none.
 * @typedef {{
 *   id: number,
 *   at: string,
 *   door: "page"|"http"|"watch",
 *   station: string,
 *   name: string,
 *   sha256: string,
 *   bytes: number,
 *   inspector: string,
 *   height: number|null,
 *   width: number|null,
 *   p_defect: number|null,
 *   probability: number|null,
 *   verdict: Verdict|null,
 *   reason: string,
 *   flags: string[],
 *   error: string|null,
 *   seconds: number,
 *   doubt: number,
 *   classes: Record<string, number>,
 *   has_image: boolean,
 *   has_maps: boolean,
 *   review: Review|null,
 * }} InspectionSummary
 */

/** @typedef {InspectionSummary & { regions: RegionSummary[], suspected: RegionSummary[] }} Summary */

/**
 * An inspection, whole: masks by class as run lengths.
 * @typedef {InspectionSummary & {
 *   regions: Region[],
 *   runs: Record<string, string>,
 *   suspected: Region[],
 *   suspected_runs: Record<string, string>,
 * }} Inspection
 */

/** The pixels of an image that count. @typedef {{ runs: string }} RegionOfInterest */

/** @typedef {{ inspections: Inspection[] }} Inspections */

/** @typedef {{ inspections: Summary[], next: string|null }} History */

/** @typedef {{ name: string, number: number, colour: string }} Class */

/** @typedef {{ member: string, fold: number, step: "classify"|"segment", height: number, width: number }} Network */

/** @typedef {{ gate: number, softness: number, upper: number[], lower: number[], min_area: number[] }} Rule */

/**
 * @typedef {{
 *   pass_at: number|null,
 *   reject_at: number|null,
 *   evidence: "own"|"calibrated"|"cross-validated"|"epoch-selected"|"other-precision"|"other-region",
 *   guaranteed: boolean,
 *   confidence: number,
 *   statements: string[],
 * }} Policy
 */

/** @typedef {{ max_bytes: number, max_pixels: number, max_files: number, queue: number }} Limits */

/**
 * Figures of the run; null where there was nothing to judge.
 * @typedef {{
 *   images: number,
 *   nested_dice: number,
 *   nested_defective_dice: number|null,
 *   nested_false_alarm_share: number|null,
 *   floor: number,
 * }} CrossValidated
 */

/** Whose token a request carries. @typedef {{ name: string, role: "operator"|"reviewer"|"owner" }} Person */

/** @typedef {{ entries: number, head: string|null, at: string|null }} Audit */

/**
 * Who signed the inspector; name and number of the key are null where the station trusts none, or nobody signed.
 * @typedef {{ state: "unsigned"|"unchecked"|"trusted", name: string|null, number: string|null }} Signature
 */

/**
 * What inspects here: the inspector's card.
 * @typedef {{
 *   fingerprint: string,
 *   name: string,
 *   version: string,
 *   station: string,
 *   precision: "fp32"|"fp16"|"bf16"|"int8"|"int8-bf16",
 *   classes: Class[],
 *   networks: Network[],
 *   rule: Rule,
 *   policy: Policy|null,
 *   created: string,
 *   recipe: string,
 *   out_of_fold: CrossValidated|null,
 *   limits: Limits,
 *   samples: string[],
 *   roi: string|null,
 *   signature: Signature,
 *   needs_token: boolean,
 *   person: Person|null,
 *   made_up: boolean,
 * }} Inspector
 */

/**
 * Inspections by verdict; `none` are those of an inspector without a policy.
 * @typedef {{ pass: number, review: number, reject: number, none: number, unreadable: number, flagged: number }} Counts
 */

/** @typedef {Counts & { start: string }} Bucket */

/** @typedef {{ buckets: Bucket[], totals: Counts, reviewed: number, waiting: number, stations: string[] }} Statistics */

/**
 * How far a line's scores lie from the evidence.
 * @typedef {{
 *   station: string,
 *   known: boolean,
 *   why: string,
 *   images: number,
 *   distance: number,
 *   limit: number,
 *   alarm: boolean,
 *   defect_share: number,
 *   sentence: string,
 *   line: number[],
 *   evidence: number[],
 *   edges: number[],
 * }} Drift
 */

/** @typedef {{ id: number, why: string }} LeftOut */

/** @typedef {{ images: number, defective: number, classes: Record<string, number>, left_out: LeftOut[], command: string }} Corrections */

export {};
