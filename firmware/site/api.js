/* What the pages ask of the dongle; see meterling/portal/API.md. */

/** Why a request failed. code: the dongle's, or "offline" if it did not answer. */
export class ApiError extends Error {
  constructor(code, { setting = null, retry_after = 0 } = {}) {
    super(code);
    this.code = code;
    this.setting = setting;
    this.retryAfter = retry_after;
  }
}

/** Who is told that the session has ended; set by the app. */
export const session = { ended: () => {} };

const PATIENCE = 20_000; // ms; the longest test that is answered at once takes 12 s
const FILE_PATIENCE = 900_000; // ms; a release is checked and unpacked before it is answered

async function ask(method, path, body) {
  const file = body instanceof Blob;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), file ? FILE_PATIENCE : PATIENCE);
  const headers = {};
  if (method !== "GET") headers["X-Meterling"] = "1";
  if (body !== undefined) headers["Content-Type"] = file ? "application/octet-stream" : "application/json";
  try {
    const answer = await fetch(path, {
      method, headers, cache: "no-store", credentials: "same-origin", signal: stop.signal,
      body: file || body === undefined ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.ok) return text;
    throw refused(answer.status, text);
  } catch (error) {
    if (!(error instanceof ApiError)) throw new ApiError("offline");
    if (error.code === "login-first" || error.code === "setup-first") session.ended();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function refused(status, text) {
  try {
    const detail = JSON.parse(text);
    if (detail.error) return new ApiError(detail.error, detail);
  } catch {
    // No JSON: whatever answered, it is not the dongle's API.
  }
  return new ApiError(`http-${status}`);
}

const parsed = (text) => (text ? JSON.parse(text) : {});

export const getText = (path) => ask("GET", path);
export const get = async (path) => parsed(await ask("GET", path));
export const post = async (path, body) => parsed(await ask("POST", path, body));
export const put = async (path, body) => parsed(await ask("PUT", path, body));

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
