import { AxiosError, AxiosHeaders, type AxiosResponse } from "axios";
import { describe, expect, it } from "vitest";

import { troubleOf, troubleOfText } from "@/api/errors";

function failed(status: number, data: unknown): AxiosError {
  const config = { headers: new AxiosHeaders() };
  const response = { status, data, statusText: "", headers: {}, config } as AxiosResponse;
  return new AxiosError("failed", "ERR", config, null, response);
}

describe("errors", () => {
  it("says what the server says", () => {
    const error = { code: "too_large", message: "larger than 4 GB; shorten it", id: "1" };
    expect(troubleOf(failed(413, { error }))).toMatchObject({
      code: "too_large",
      message: error.message,
      offline: false,
    });
    expect(troubleOfText(413, JSON.stringify({ error })).message).toBe(error.message);
  });

  it("tells a server that is away from one that refuses", () => {
    expect(troubleOf(new AxiosError("Network Error")).offline).toBe(true);
    expect(troubleOf(failed(502, "<html>")).offline).toBe(true);
    expect(troubleOf(failed(500, "oops")).offline).toBe(false);
    expect(troubleOfText(0, "").offline).toBe(true);
  });

  it("hears how long a busy server wants to be left alone", () => {
    const busy = failed(429, { error: { code: "busy", message: "wait", id: "1" } });
    Object.assign(busy.response?.headers ?? {}, { "retry-after": "7" });
    expect(troubleOf(busy).retryAfterS).toBe(7);
    expect(troubleOfText(429, "", "9").retryAfterS).toBe(9);
    expect(troubleOfText(429, "", "Sat, 21 Nov 2026 17:00:00 GMT").retryAfterS).toBe(1);
    expect(troubleOfText(500, "", "9").retryAfterS).toBeUndefined();
  });

  it("shows no page of a proxy as a message", () => {
    expect(troubleOfText(500, "<html><body>bad</body></html>").message).not.toContain("<");
    expect(troubleOfText(409, "being written").message).toBe("being written");
  });
});
